/** The processor and what encodes on it. */
import { choosePrecision } from '../../encoder/onednn/precision.js';
import { usableProcessors } from '../../encoder/processors.js';
import { BUILD_COMMAND } from '../../native/load.js';
import { describeAccident, isAccident, outputOf } from '../probe-messages.js';
import type { Remedy } from '../report.js';
import type { Survey } from '../survey.js';
import { type Check, result } from './check.js';
import { problemOf } from './package.js';

/** As /proc/cpuinfo names them; those that a kernel of ours or of oneDNN's is written for. */
const INSTRUCTION_SETS = [
  'sse4_1',
  'avx2',
  'fma',
  'avx512f',
  'avx512bw',
  'avx512vl',
  'avx512dq',
  'avx_vnni',
  'avx512_vnni',
  'avx512_bf16',
  'avx512_fp16',
  'amx_tile',
  'amx_bf16',
  'amx_int8',
];

export const checkCpu: Check = ({ machine }) => {
  const info = machine.read('/proc/cpuinfo') ?? '';
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(info)?.[1]?.trim();
  const flags = new Set((field('flags') ?? '').split(' '));
  const sets = INSTRUCTION_SETS.filter((name) => flags.has(name));
  const usable = usableProcessors(machine, machine.processors);
  const limited = usable < machine.processors ? ` of ${machine.processors} (a cgroup limits them)` : '';
  const summary = `${field('model name') ?? 'a processor'}, ${usable}${limited} for this process`;
  const details = [`instruction sets: ${sets.length === 0 ? 'unknown' : sets.join(', ')}`];
  if (sets.length > 0 && !flags.has('avx2')) {
    return result('cpu', 'warning', `${summary}; without AVX2, encoding on it is slow`, { details });
  }
  return result('cpu', 'ok', summary, { details });
};

export interface CpuBackend {
  readonly backend: 'onednn' | 'onnxruntime';
  readonly precision: string;
  readonly runtime: string;
}

/** As `selectCpuEncoder`: oneDNN where its plug-in opens, else onnxruntime. */
export function cpuBackend({ onednn, onnxruntime }: Survey): CpuBackend | undefined {
  if (onednn?.kind === 'answer' && onednn.value.precisions.length > 0) {
    const { runtime, precisions } = onednn.value;
    return {
      backend: 'onednn',
      precision: choosePrecision('auto', 'float32', precisions).precision,
      runtime,
    };
  }
  if (onnxruntime.kind === 'answer' && onnxruntime.value.problem === null) {
    const { version } = onnxruntime.value;
    return {
      backend: 'onnxruntime',
      precision: 'fp32',
      runtime: `onnxruntime${version === null ? '' : ` ${version}`}`,
    };
  }
  return undefined;
}

export const checkCpuBackend: Check = (survey, done) => {
  const id = 'cpu-backend';
  if (done.firstBroken('addon') !== undefined) {
    return result(id, 'skipped', 'repair addon first');
  }
  const { onednn, onnxruntime } = survey;
  const build: Remedy = {
    text: 'Install oneDNN and build its plug-in, or: npm install onnxruntime-node.',
    command: `sudo apt install libdnnl-dev && ${BUILD_COMMAND}`,
  };
  // "auto" opens the plug-in in its own process: nothing comes after a crash
  if (onednn !== undefined && isAccident(onednn)) {
    return result(id, 'failed', `oneDNN ${describeAccident(onednn)}`, {
      details: outputOf(onednn),
      remedy: {
        text: 'Build the plug-in on this machine; until then, give --backend onnxruntime.',
        command: BUILD_COMMAND,
      },
    });
  }
  const noOnednn =
    onednn === undefined
      ? 'oneDNN: its plug-in was not built'
      : onednn.kind === 'error'
        ? `oneDNN: ${onednn.error.message}`
        : undefined;
  const problem = problemOf('onnxruntime-node', onnxruntime);
  const details = [
    noOnednn,
    problem === null ? undefined : [problem.summary, ...problem.details].join(': '),
  ].filter((line) => line !== undefined);
  const chosen = cpuBackend(survey);
  if (chosen === undefined) {
    return result(id, 'missing', 'nothing encodes on the CPU', { details, remedy: build });
  }
  if (chosen.backend === 'onnxruntime') {
    return result(id, 'warning', `${chosen.runtime} encodes on the CPU, in fp32; oneDNN is faster`, {
      details,
      remedy: build,
    });
  }
  const precisions = onednn?.kind === 'answer' ? onednn.value.precisions.join(', ') : '';
  return result(
    id,
    'ok',
    `${chosen.runtime} encodes on the CPU, in ${chosen.precision} (it has ${precisions})`,
    { details },
  );
};

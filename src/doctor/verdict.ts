/** What `build --backend auto` will do, and what to repair. */

import { NOT_THERE } from '../encoder/select.js';
import type { ErrorCode } from '../errors.js';
import { isBroken } from './checks/check.js';
import { type CpuBackend, cpuBackend } from './checks/cpu.js';
import { seenByCuda } from './checks/driver.js';
import { chosenPlugin } from './checks/tensorrt.js';
import { isAccident } from './probe-messages.js';
import type { CheckId, CheckResult, Fix, Verdict } from './report.js';
import type { Survey } from './survey.js';

/** Without these, nothing encodes. */
const BASIS: readonly CheckId[] = ['node', 'addon', 'packages'];
const OF_GPU: readonly CheckId[] = [
  'driver',
  'device-files',
  'visible-devices',
  'cuda-runtime',
  'gpu',
  'vram',
  'plugins',
  'tensorrt',
  'engine-folder',
];

export function reachVerdict(survey: Survey, checks: readonly CheckResult[]): Verdict {
  const broken = checks.filter(({ status }) => isBroken(status));
  const { hasCard } = survey;
  const fixes = fixesOf(broken);
  const basis = broken.find(({ id }) => BASIS.includes(id));
  const cpu = broken.some(({ id }) => id === 'cpu-backend') ? undefined : cpuBackend(survey);
  if (basis !== undefined) {
    return nothing(`Nothing can be encoded: ${basis.summary}.`, hasCard, fixes);
  }
  const gpuProblem = broken.find(({ id }) => OF_GPU.includes(id));
  if (seenByCuda(survey) && gpuProblem === undefined) return onGpu(survey, fixes);
  const stop = stopper(survey, broken);
  if (stop !== undefined) return stops(stop, cpu, hasCard, fixes);
  if (cpu === undefined) {
    const gpu = gpuProblem === undefined ? '' : `; the GPU: ${gpuProblem.summary}`;
    return nothing(`Nothing can be encoded: no back-end works here${gpu}.`, hasCard, fixes);
  }
  return onCpu(cpu, gpuProblem, hasCard, fixes);
}

function onGpu(survey: Survey, fixes: readonly Fix[]): Verdict {
  const { device } = survey.question;
  const plugin = chosenPlugin(survey);
  const runtime = plugin?.outcome.kind === 'answer' ? plugin.outcome.value.runtime : 'TensorRT';
  const name =
    survey.cuda.kind === 'answer'
      ? survey.cuda.value.status.devices.find(({ index }) => index === device)?.name
      : undefined;
  return {
    outcome: 'gpu',
    text: `TensorRT on cuda:${device}${name === undefined ? '' : ` (${name})`} will be used, in fp16 (${runtime}).`,
    backend: 'tensorrt',
    precision: 'fp16',
    device: `cuda:${device}`,
    hasCard: true,
    fixes,
  };
}

/**
 * What ends a build although the CPU could do it: `auto` goes on to the CPU only when parts of the GPU's way are not there.
 */
function stopper({ cuda, tensorrt }: Survey, broken: readonly CheckResult[]): CheckResult | undefined {
  const check = (id: CheckId) => broken.find((candidate) => candidate.id === id);
  const endsBuild = (code: ErrorCode) => !NOT_THERE.includes(code);
  if (isAccident(cuda) || (cuda.kind === 'error' && endsBuild(cuda.error.code))) return check('cuda-runtime');
  if (cuda.kind === 'error' || check('gpu')?.status === 'missing') return undefined;
  for (const { outcome } of tensorrt) if (isAccident(outcome)) return check('tensorrt');
  const answers = tensorrt.some(({ outcome }) => outcome.kind === 'answer');
  const ends = tensorrt.some(({ outcome }) => outcome.kind === 'error' && endsBuild(outcome.error.code));
  if (!answers) return ends ? check('tensorrt') : undefined;
  return check('gpu') ?? check('vram') ?? check('engine-folder');
}

function stops(
  { summary }: CheckResult,
  cpu: CpuBackend | undefined,
  hasCard: boolean,
  fixes: readonly Fix[],
): Verdict {
  const instead = cpu === undefined ? '' : ` With --backend cpu, the CPU encodes (${describe(cpu)}).`;
  return {
    outcome: cpu === undefined ? 'none' : 'stops',
    text: `Without --backend, a build would stop: ${summary}.${instead}`,
    backend: cpu?.backend ?? null,
    precision: cpu?.precision ?? null,
    device: null,
    hasCard,
    fixes,
  };
}

function onCpu(
  cpu: CpuBackend,
  gpuProblem: CheckResult | undefined,
  hasCard: boolean,
  fixes: readonly Fix[],
): Verdict {
  const why = !hasCard
    ? ' There is no NVIDIA card.'
    : gpuProblem === undefined
      ? ''
      : ` The GPU will not: ${gpuProblem.summary}.`;
  return {
    outcome: 'cpu',
    text: `The CPU (${describe(cpu)}) will be used.${why}`,
    backend: cpu.backend,
    precision: cpu.precision,
    device: null,
    hasCard,
    fixes,
  };
}

function nothing(text: string, hasCard: boolean, fixes: readonly Fix[]): Verdict {
  return { outcome: 'none', text, backend: null, precision: null, device: null, hasCard, fixes };
}

function describe({ backend, precision }: CpuBackend): string {
  return `${backend === 'onednn' ? 'oneDNN' : 'onnxruntime'}, ${precision}`;
}

/** One command is one fix, however many checks want it. */
function fixesOf(broken: readonly CheckResult[]): Fix[] {
  const fixes: Fix[] = [];
  for (const { id, remedy } of broken) {
    if (remedy === undefined) continue;
    if (remedy.command !== undefined && fixes.some(({ command }) => command === remedy.command)) continue;
    fixes.push({ check: id, ...remedy });
  }
  return fixes;
}

/**
 * Whether an answer can be true. A library of the right name that is not the library, or one whose memory is spoiled,
 * answers with anything.
 */
import type { BackendInfo, CudaStatus, NvmlStatus } from '../native/binding.js';
import type { CudaAnswer, ProbeAnswers, ProbeKind, ProbeOutcome } from './probe-messages.js';

export function checkAnswer<K extends ProbeKind>(
  kind: K,
  outcome: ProbeOutcome<unknown>,
): ProbeOutcome<ProbeAnswers[K]> {
  if (outcome.kind !== 'answer') return outcome;
  const what = attempt(() => CHECKS[kind]?.(outcome.value as never));
  return what === undefined
    ? { kind: 'answer', value: outcome.value as ProbeAnswers[K] }
    : { kind: 'nonsense', what };
}

/** Each returns what is wrong, or undefined. */
const CHECKS: { readonly [K in ProbeKind]?: (answer: ProbeAnswers[K]) => string | undefined } = {
  cuda: ({ status, memory }: CudaAnswer) =>
    wrongCuda(status) ?? (memory === null ? undefined : wrongMemory(memory)),
  nvml: ({ driverVersion, devices }: NvmlStatus) =>
    driverVersion !== null && !/^\d+(\.\d+)+$/.test(driverVersion)
      ? `driver version ${JSON.stringify(driverVersion)}`
      : devices.map(wrongNvmlMemory).find((what) => what !== undefined),
  plugin: ({ name, runtime, precisions }: BackendInfo) =>
    typeof name === 'string' && typeof runtime === 'string' && Array.isArray(precisions)
      ? undefined
      : 'no description of itself',
};

/** CUDA 12 is the oldest that is opened; a fourth digit more than today's is far away. */
function wrongCuda({ runtimeVersion, driverVersion, devices }: CudaStatus): string | undefined {
  for (const [what, version] of [
    ['runtime', runtimeVersion],
    ['driver', driverVersion],
  ] as const) {
    if (!(version >= 12000 && version < 100_000)) return `CUDA ${what} version ${version}`;
  }
  const odd = devices.find(({ computeCapability: [major], totalBytes }) => !(major > 0) || !(totalBytes > 0));
  return odd === undefined ? undefined : `device ${odd.index} with ${odd.totalBytes} bytes`;
}

function wrongMemory({ free, total }: { free: number; total: number }): string | undefined {
  return free >= 0 && total > 0 && free <= total ? undefined : `${free} bytes free of ${total}`;
}

function wrongNvmlMemory({ freeBytes, totalBytes }: NvmlStatus['devices'][number]): string | undefined {
  return freeBytes === null || totalBytes === null
    ? undefined
    : wrongMemory({ free: freeBytes, total: totalBytes });
}

/** An answer of another shape is nonsense too. */
function attempt(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch {
    return 'an answer of another shape';
  }
}

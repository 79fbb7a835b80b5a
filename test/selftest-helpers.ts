/** What the tests of the self-test share: runs on the processor, with encoders that do one thing wrong. */

import { createEncoder } from '#dist/encoder/select.js';
import type { Encoder, ImageBatch, Moments, SelftestCheck, SelftestReport } from '#dist/index.js';
import { LatentCacheError, runSelftest } from '#dist/index.js';
import type { SelftestSeams } from '#dist/selftest/options.js';

/** What to do otherwise than the encoder that is asked; `this` encoder goes on to exist. */
export interface Fault {
  readonly encodeBatch?: (encoder: Encoder, ...given: Parameters<Encoder['encodeBatch']>) => Promise<Moments>;
  /** After the end. */
  readonly heldBytes?: number;
  readonly ignoresBudget?: boolean;
  readonly start?: () => void;
  readonly readMemory?: SelftestSeams['readMemory'];
}

/** The quick test on the processor, in fp32 alone, with the fault. */
export async function quickTest({ readMemory, ...fault }: Fault = {}): Promise<SelftestReport> {
  return runSelftest(
    { device: 'cpu', mode: 'quick' },
    {
      ...(readMemory === undefined ? {} : { readMemory }),
      createEncoder: async (weights, options) => {
        const { precision = 'fp32' } = options;
        if (precision !== 'fp32') throw new LatentCacheError('ERR_OPTION', 'fp32 alone');
        fault.start?.();
        const budget = fault.ignoresBudget ? { vramBudget: 'auto' as const } : {};
        const { encoder, reason } = await createEncoder(weights, { ...options, ...budget, precision });
        return { encoder: faulty(encoder, fault), reason };
      },
    },
  );
}

function faulty(encoder: Encoder, { encodeBatch, heldBytes }: Fault): Encoder {
  const memory = encoder.memory!;
  let ended = false;
  const dispose = async () => {
    await encoder.dispose();
    ended = true;
  };
  return {
    info: encoder.info,
    memory: {
      kind: memory.kind,
      budget: memory.budget,
      read: () => memory.read(),
      held: () => {
        const { used, peak } = memory.held();
        return { used: ended ? used + (heldBytes ?? 0) : used, peak };
      },
      needs: (size, count) => memory.needs(size, count),
      largestRun: (size) => memory.largestRun(size),
      release: (keep) => memory.release(keep),
    },
    encodeBatch: (...given) =>
      encodeBatch === undefined ? encoder.encodeBatch(...given) : encodeBatch(encoder, ...given),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** The results, changed. */
export function spoiled(change: (moments: Moments, batch: ImageBatch) => void): Pick<Fault, 'encodeBatch'> {
  return {
    encodeBatch: async (encoder, batch, options) => {
      const moments = await encoder.encodeBatch(batch, options);
      change(moments, batch);
      return moments;
    },
  };
}

/** id → code */
export function failuresOf({ checks }: SelftestReport): Record<string, string | null> {
  return Object.fromEntries(
    checks.filter(({ status }) => status === 'fail').map(({ id, code }) => [id, code]),
  );
}

export function checkOf({ checks }: SelftestReport, id: string): SelftestCheck | undefined {
  return checks.find((check) => check.id === id);
}

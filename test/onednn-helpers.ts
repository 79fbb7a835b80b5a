/** What the tests of the oneDNN encoder share: one on a CPU in memory. */
import { beforeAll } from 'vitest';
import { createOnednnEncoder, type OnednnOptions } from '#dist/encoder/onednn/create-encoder.js';
import type { OnednnEncoder } from '#dist/encoder/onednn/onednn-encoder.js';
import { LatentCacheError } from '#dist/errors.js';
import type { VaeEncoderWeights } from '#dist/model/load-vae.js';
import { scratchFolder } from './encoder-helpers.js';
import { arenaBytes, type FakeCpu, WEIGHT_BYTES } from './fake-cpu.js';
import { seededWeights } from './tensorrt-helpers.js';

export type OpenOnednn = (
  cpu: FakeCpu,
  options?: Partial<OnednnOptions>,
  nodes?: readonly (readonly number[])[],
) => Promise<OnednnEncoder>;

/** Opens encoders with seeded weights, which `weights` gives. */
export function useOnednn(): { readonly open: OpenOnednn; readonly weights: () => VaeEncoderWeights } {
  const modelFolder = scratchFolder();
  let weights: VaeEncoderWeights;
  beforeAll(async () => {
    weights = await seededWeights(modelFolder('.'));
  });
  return {
    weights: () => weights,
    open: (cpu, options = {}, nodes = []) => {
      const seams = { plugins: ['/fake/liblatent_cache_onednn.so'], nodes };
      return createOnednnEncoder(weights, { threads: 4, binding: cpu.binding(), ...options }, seams);
    },
  };
}

export const TWO_NODES = [
  [0, 1],
  [2, 3],
];

export const budgetFor = (count: number, side: number) => WEIGHT_BYTES + arenaBytes(count, side);

export const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof LatentCacheError ? error.code : error),
  );

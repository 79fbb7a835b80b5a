/** What the tests of the GPU backend share: small weights, and encoders on a fake GPU. */
import path from 'node:path';
import { beforeAll } from 'vitest';
import type { Moments } from '#dist/encoder/encoder.js';
import { createTensorrtEncoder, type TensorrtOptions } from '#dist/encoder/tensorrt/create-encoder.js';
import type { TensorrtEncoder } from '#dist/encoder/tensorrt/tensorrt-encoder.js';
import { LatentCacheError } from '#dist/errors.js';
import { loadVae, type VaeEncoderWeights } from '#dist/model/load-vae.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { useScratchFolder } from './build-helpers.js';
import { SMALL, scratchFolder } from './encoder-helpers.js';
import { type FakeGpu, runMemory, WEIGHT_BYTES } from './fake-gpu.js';

export async function seededWeights(folder: string, seed = 1): Promise<VaeEncoderWeights> {
  const file = path.join(folder, `vae-${seed}.safetensors`);
  await writeSeededVae(file, { seed, ...SMALL });
  return loadVae(file, { model: 'sdxl' });
}

export function openFake(
  gpu: FakeGpu,
  weights: VaeEncoderWeights,
  options: TensorrtOptions & { engineFolder: string },
): Promise<TensorrtEncoder> {
  const seams = { compile: gpu.compile, plugins: ['/fake/liblatent_cache_trt10.so'] };
  return createTensorrtEncoder(weights, { binding: gpu.binding(), ...options }, seams);
}

/** Images that are one value everywhere. */
export function flatImages(width: number, height: number, shades: readonly number[]): Uint8Array[] {
  return shades.map((shade) => new Uint8Array(width * height * 3).fill(shade));
}

export async function errorOf(promise: Promise<unknown>): Promise<LatentCacheError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LatentCacheError) return error;
  throw new Error(`expected a LatentCacheError, got ${String(error)}`);
}

export interface FakeEncoders {
  /** An encoder in float32 unless asked otherwise; all of one test share a new engine folder. */
  open(gpu: FakeGpu, options?: Partial<TensorrtOptions>): Promise<TensorrtEncoder>;
  weights(seed?: number): Promise<VaeEncoderWeights>;
  readonly engineFolder: string;
}

/** Call it at the top level of a test file. */
export function useFakeEncoders(): FakeEncoders {
  const models = scratchFolder();
  const folder = useScratchFolder();
  let weights: VaeEncoderWeights;
  beforeAll(async () => {
    weights = await seededWeights(models('.'));
  });
  const engines = () => path.join(folder(), 'engines');
  return {
    open: (gpu, options = {}) =>
      openFake(gpu, weights, { precision: 'fp32', engineFolder: engines(), ...options }),
    weights: async (seed) => (seed === undefined ? weights : seededWeights(models('.'), seed)),
    get engineFolder() {
      return engines();
    },
  };
}

/** The first value of each image's mean. */
export function shades({ mean, count }: Moments): number[] {
  return Array.from({ length: count }, (_, index) => mean[(index * mean.length) / count]!);
}

export function batch(side: number, values: readonly number[]) {
  return { images: flatImages(side, side, values), width: side, height: side };
}

/** Sizes that get engines of their own. */
export function many(...sides: number[]) {
  return sides.map((side) => ({ width: side, height: side, images: 64 }));
}

/** Budget for some engines and one run of `count` images. */
export function budgetFor(engines: number, count: number, side: number): number {
  return engines * WEIGHT_BYTES + runMemory({ count, height: side, width: side }).arenaBytes;
}

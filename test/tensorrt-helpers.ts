/** What the tests of the GPU backend share: small weights, and encoders on a fake GPU. */
import path from 'node:path';
import { createTensorrtEncoder, type TensorrtOptions } from '#dist/encoder/tensorrt/create-encoder.js';
import type { TensorrtEncoder } from '#dist/encoder/tensorrt/tensorrt-encoder.js';
import { LatentCacheError } from '#dist/errors.js';
import { loadVae, type VaeEncoderWeights } from '#dist/model/load-vae.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { SMALL } from './encoder-helpers.js';
import type { FakeGpu } from './fake-gpu.js';

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

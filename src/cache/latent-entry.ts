import type { Geometry } from '../dataset/geometry.js';

/** Of stored latents. npy has no bfloat16. */
export const LATENT_DTYPES = ['float32', 'float16', 'bfloat16'] as const;
export type LatentDtype = (typeof LATENT_DTYPES)[number];

/** One image's latents, with the values that a trainer stores. */
export interface LatentEntry {
  /** (channels, height, width) */
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly latents: Float32Array;
  /** Latents of the mirrored pixels; null without flip_aug. */
  readonly latentsFlipped: Float32Array | null;
  /** (bucket height, bucket width) uint8 alpha; null without alpha_mask. */
  readonly alphaMask: Uint8Array | null;
  readonly geometry: Geometry;
  /** Of the control images, in their order; absent where there are none. */
  readonly controls?: readonly Pick<LatentEntry, 'shape' | 'latents'>[];
}

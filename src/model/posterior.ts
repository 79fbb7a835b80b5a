/**
 * From the moments of an image to its latent: the mean, or a sample z = mean + exp(logvar / 2) · n. The noise n depends
 * on a seed and the position only: not on threads, batches, order, backend or machine. native/posterior/posterior.h
 * defines it.
 */
import { createHash } from 'node:crypto';
import type { NativeBinding } from '../native/binding.js';

/** A copy of the mean: the latent without sampling ("mode" of the distribution). */
export function posteriorMean(mean: Float32Array): Float32Array {
  return mean.slice();
}

/**
 * @param mean (channels, height, width) of one image.
 * @param logvar the same shape, already clamped.
 * @param seed 64 bits, see `seedForImage`.
 * @returns the same shape; computed in float64 and rounded once.
 */
export function samplePosterior(
  mean: Float32Array,
  logvar: Float32Array,
  seed: bigint,
  binding: Pick<NativeBinding, 'samplePosterior'>,
): Float32Array {
  const latent = new Float32Array(mean.length);
  binding.samplePosterior(mean, logvar, seed, latent);
  return latent;
}

/**
 * The seed of one image's noise: the first eight bytes, little-endian, of
 * SHA-256("latent-cache noise\n" + seed + "\n" + key).
 *
 * @param globalSeed an integer.
 * @param key what names the image and the variant, for instance its relative path and size.
 */
export function seedForImage(globalSeed: number | bigint, key: string): bigint {
  return createHash('sha256').update(`latent-cache noise\n${globalSeed}\n${key}`).digest().readBigUInt64LE();
}

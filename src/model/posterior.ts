/**
 * From the moments of an image to its latent: the mean, or a sample z = mean + exp(logvar / 2) · n. The noise n depends
 * on a seed and the position only: not on threads, batches, order, backend or machine.
 */
import { createHash } from 'node:crypto';
import { philox4x32 } from './philox.js';

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
export function samplePosterior(mean: Float32Array, logvar: Float32Array, seed: bigint): Float32Array {
  const noise = gaussianNoise(mean.length, seed);
  const latent = new Float32Array(mean.length);
  for (let i = 0; i < latent.length; i++) latent[i] = mean[i]! + Math.exp(0.5 * logvar[i]!) * noise[i]!;
  return latent;
}

/**
 * Standard normal values. Values 2b and 2b + 1 come from Philox4x32-10 with the seed as key and (b, 0, 0, 0) as
 * counter: its words give two uniform numbers of 52 bits, Box and Muller's transform makes them normal.
 *
 * @param seed 64 bits; the low word is the first key word.
 */
export function gaussianNoise(count: number, seed: bigint): Float64Array {
  const key0 = Number(BigInt.asUintN(32, seed));
  const key1 = Number(BigInt.asUintN(32, seed >> 32n));
  const noise = new Float64Array(count);
  const block = new Uint32Array(4);
  for (let i = 0; i < count; i += 2) {
    block.fill(0);
    block[0] = i / 2;
    philox4x32(block, key0, key1);
    const radius = Math.sqrt(-2 * Math.log(openUniform(block[0]!, block[1]!)));
    const angle = 2 * Math.PI * openUniform(block[2]!, block[3]!);
    noise[i] = radius * Math.cos(angle);
    if (i + 1 < count) noise[i + 1] = radius * Math.sin(angle);
  }
  return noise;
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

/** Two words → a number strictly between 0 and 1, so that its logarithm is finite. */
function openUniform(high: number, low: number): number {
  return ((high >>> 6) * 2 ** 26 + (low >>> 6) + 0.5) * 2 ** -52;
}

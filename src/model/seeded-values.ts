/**
 * Reproducible weights for a VAE that nobody trained: for the demo, tests and benches. Everything is integer
 * arithmetic and one rounding, so that numpy gives the same bytes (`test/golden/make_encoder.py`).
 */
import type { TensorSpec } from './layers.js';

/**
 * Element i of a tensor is `scale · (2u − 1) + offset`, u = mix(mix(i) ^ key) >>> 8 over 2^24, computed in float64
 * and rounded to float32, where key = mix(fnv1a(name) ^ mix(seed)).
 */
export function seededTensor({ name, shape }: TensorSpec, seed: number): Float32Array {
  const { scale, offset } = rangeOf(name, shape);
  const key = mix(fnv1a(name) ^ mix(seed >>> 0));
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < values.length; i++) {
    const u = (mix(mix(i) ^ key) >>> 8) / 2 ** 24;
    values[i] = scale * (2 * u - 1) + offset;
  }
  return values;
}

/** Uniform values of variance 1 / fan-in keep each layer's outputs near a standard deviation of one. */
function rangeOf(name: string, shape: readonly number[]): { scale: number; offset: number } {
  if (shape.length > 1) {
    const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
    return { scale: Math.sqrt(3 / fanIn), offset: 0 };
  }
  // the only one-dimensional weights are those of norms; a variance is positive as they are
  return /\.(weight|running_var)$/.test(name) ? { scale: 0.25, offset: 1 } : { scale: 0.125, offset: 0 };
}

/** The 32-bit finaliser "lowbias32" of C. Wellons (hash-prospector). */
export function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** FNV-1a, 32 bits, over the ASCII name. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

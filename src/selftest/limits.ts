/** How far results may be from right ones: `docs/selftest.md` has the sources. */
import type { Size } from '../dataset/bucket.js';
import type { Limits } from './compare.js';

/** Arithmetics whose error the known answers bring along. */
export const COARSE = ['tf32', 'fp16', 'bf16'] as const;
export type CoarsePrecision = (typeof COARSE)[number];

/**
 * What the project accepts of float32: `test/encoder-golden.test.ts` up to 512×384, and
 * `scripts/verify/cpu-parity.mjs` above. Right implementations differ in the order of their sums.
 */
export function float32Limits({ width, height }: Size): Limits {
  const pixels = width * height;
  const maxAbs = pixels <= 256 * 256 ? 1e-4 : pixels <= 512 * 512 ? 2e-4 : 2e-3;
  return { maxAbs, rmse: Number.POSITIVE_INFINITY };
}

/** Kernels may round where the emulated arithmetic does not. */
const ROUNDING = 2;
/** The largest of many errors is chance, a wrong value among right ones is not: the largest seen were 7 times the rmse. */
const LARGEST = 8;

/** @param rmse of the same arithmetic, emulated */
export function coarseLimits(rmse: number): Limits {
  return { rmse: ROUNDING * rmse, maxAbs: ROUNDING * LARGEST * rmse };
}

/** When both sides are computed: each may be off by as much. */
export function doubled({ maxAbs, rmse }: Limits): Limits {
  return { maxAbs: 2 * maxAbs, rmse: 2 * rmse };
}

export function isCoarse(precision: string): precision is CoarsePrecision {
  return COARSE.some((name) => name === precision);
}

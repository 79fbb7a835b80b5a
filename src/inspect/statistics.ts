import type { StoredArray } from './stored-array.js';

/** Of the finite numbers of an array, in float64. */
export interface Statistics {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Standard deviation of the numbers themselves: divided by their count. */
  readonly std: number;
  /** Numbers that are NaN or infinite. */
  readonly notFinite: number;
}

/** One pass (Welford), so that no copy is made. All 0 of an array without finite numbers. */
export function statisticsOf({ count, at }: Pick<StoredArray, 'count' | 'at'>): Statistics {
  let [min, max, mean, squares, finite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  for (let index = 0; index < count; index++) {
    const value = at(index);
    if (!Number.isFinite(value)) continue;
    finite++;
    const distance = value - mean;
    mean += distance / finite;
    squares += distance * (value - mean);
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const notFinite = count - finite;
  if (finite === 0) return { min: 0, max: 0, mean: 0, std: 0, notFinite };
  return { min, max, mean, std: Math.sqrt(squares / finite), notFinite };
}

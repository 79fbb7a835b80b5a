/** How far moments are from right ones. */
import type { Moments } from '../encoder/encoder.js';
import { allFinite } from '../model/finite.js';
import { CheckFailure } from './failure.js';
import type { Figures } from './report.js';

export const MOMENTS = ['mean', 'logvar'] as const;
export type MomentName = (typeof MOMENTS)[number];
export type MomentValues = Readonly<Record<MomentName, Float32Array>>;

/** Above any of these a result is wrong; Infinity where nothing is known. */
export interface Limits {
  readonly maxAbs: number;
  readonly rmse: number;
}

export interface Differences {
  readonly maxAbs: number;
  readonly rmse: number;
  /** Decibels: the range of the right values over the root mean square of the differences; Infinity when there are none. */
  readonly psnr: number;
}

export function differencesOf(values: Float32Array, right: Float32Array): Differences {
  let maxAbs = 0;
  let squares = 0;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < right.length; i++) {
    const expected = right[i]!;
    const difference = Math.abs(values[i]! - expected);
    // written so that NaN does not slip through
    if (!(difference <= maxAbs)) maxAbs = difference;
    squares += difference * difference;
    if (expected < low) low = expected;
    if (expected > high) high = expected;
  }
  const rmse = Math.sqrt(squares / right.length);
  return { maxAbs, rmse, psnr: 20 * Math.log10((high - low) / rmse) };
}

export function deviationOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

export interface Comparison {
  /** What was encoded, for people. */
  readonly name: string;
  readonly found: MomentValues;
  readonly right: MomentValues;
  readonly limits: Readonly<Record<MomentName, Limits>>;
}

/**
 * Compares all of them.
 *
 * @returns the differences of the means that are worst, with their limits
 * @throws CheckFailure for values that are not finite, too few or too many, or too far off
 */
export function compareAll(comparisons: readonly Comparison[]): Figures {
  let worst: Figures = {};
  let share = -1;
  for (const { name, found, right, limits } of comparisons) {
    for (const moment of MOMENTS) {
      checkValues(`${moment} of ${name}`, found[moment], right[moment].length);
      const differences = differencesOf(found[moment], right[moment]);
      const limit = limits[moment];
      const figures = {
        ...known(differences),
        ...(Number.isFinite(limit.rmse) ? { rmseLimit: limit.rmse } : {}),
        maxAbsLimit: limit.maxAbs,
      };
      if (!(differences.maxAbs <= limit.maxAbs && differences.rmse <= limit.rmse)) {
        throw new CheckFailure(
          'SELFTEST_DEVIATES',
          `${moment} of ${name} is too far from what is right`,
          figures,
        );
      }
      const used = Math.max(differences.maxAbs / limit.maxAbs, differences.rmse / limit.rmse);
      if (moment === 'mean' && used > share) {
        share = used;
        worst = figures;
      }
    }
  }
  return worst;
}

/** JSON has no Infinity. */
function known({ maxAbs, rmse, psnr }: Differences): Figures {
  return { maxAbs, rmse, ...(Number.isFinite(psnr) ? { psnr } : {}) };
}

export function checkValues(what: string, values: Float32Array, length: number): void {
  if (values.length !== length) {
    throw new CheckFailure(
      'SELFTEST_WRONG_RESULT',
      `${what}: ${length} values expected, got ${values.length}`,
    );
  }
  if (!allFinite(values)) {
    throw new CheckFailure('SELFTEST_NOT_FINITE', `${what} has NaN or infinity`);
  }
}

export function equalBits(left: Float32Array, right: Float32Array): boolean {
  return Buffer.compare(bytesOf(left), bytesOf(right)) === 0;
}

/** The moments of one image of a batch. */
export function imageOf({ mean, logvar, count }: Moments, index: number): MomentValues {
  const length = mean.length / count;
  const [start, end] = [index * length, (index + 1) * length];
  return { mean: mean.slice(start, end), logvar: logvar.slice(start, end) };
}

function bytesOf(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

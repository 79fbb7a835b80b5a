import type { Distribution, Evidence, Range } from './report.js';

/** @param samples at least one */
export function distribution(samples: readonly number[], unit: string, evidence: Evidence): Distribution {
  return { unit, evidence, samples, ...summarise(samples) };
}

/** What follows from the samples. */
export function summarise(
  samples: readonly number[],
): Pick<Distribution, 'median' | 'p95' | 'minimum' | 'maximum' | 'spread'> {
  const sorted = ascending(samples);
  return {
    median: median(sorted),
    p95: sorted[Math.ceil(0.95 * sorted.length) - 1]!,
    minimum: sorted[0]!,
    maximum: sorted.at(-1)!,
    spread: spread(samples),
  };
}

/** null of nothing. */
export function rangeOf(values: readonly number[]): Range | null {
  if (values.length === 0) return null;
  const sorted = ascending(values);
  return { minimum: sorted[0]!, median: median(sorted), maximum: sorted.at(-1)! };
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** Of sorted values; between the two in the middle of an even number. */
function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function spread(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return mean === 0 ? 0 : Math.sqrt(squares / (values.length - 1)) / mean;
}

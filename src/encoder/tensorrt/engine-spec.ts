import type { Size } from '../../dataset/bucket.js';
import { sizeName } from '../../dataset/size.js';
import type { EngineShape } from '../../native/binding.js';
import type { Precision } from './precision.js';

/** What an engine is for. A `retry` engine encodes in float32 what is not finite otherwise. */
export type EnginePurpose = 'bucket' | 'shared' | 'retry' | 'calibration';

/** An engine that is wanted, but for the number of images, which depends on the memory. */
export interface EngineSpec {
  readonly purpose: EnginePurpose;
  readonly precision: Precision;
  /** Sides that are fixed let TensorRT choose kernels for them. */
  readonly size: Size | 'dynamic';
  readonly smallest: Size;
  /** What the kernels are chosen for. */
  readonly typical: Size;
  readonly largest: Size;
  /** Those that it was planned for: what to measure. */
  readonly sizes: readonly Size[];
}

/** Candidates for the images of a run; few, so that an engine built with more memory at hand is found again. */
export const RUN_COUNTS = [8, 4, 2, 1] as const;

export function staticSpec(purpose: EnginePurpose, precision: Precision, size: Size): EngineSpec {
  return { purpose, precision, size, smallest: size, typical: size, largest: size, sizes: [size] };
}

export function shapeOf({ width, height }: Size, count: number): EngineShape {
  return { count, height, width };
}

export function describeSpec({ purpose, precision, size, smallest, largest }: EngineSpec): string {
  const sides = size === 'dynamic' ? `${sizeName(smallest)} to ${sizeName(largest)}` : sizeName(size);
  return purpose === 'calibration' ? `${sides}, calibration` : `${sides}, ${precision}`;
}

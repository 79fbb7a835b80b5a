import type { NativeBinding } from '../native/binding.js';
import type { Moments } from './encoder.js';

/** What comes off a device: (count, 2 × channels, height, width) float32, in latent pixels. */
export interface MomentRows extends Pick<Moments, 'count' | 'channels' | 'height' | 'width'> {
  readonly values: Float32Array;
}

export interface LogvarClamp {
  readonly minimum: number;
  readonly maximum: number;
}

export function emptyRows(shape: Omit<MomentRows, 'values'>): MomentRows {
  const { count, channels, height, width } = shape;
  return { ...shape, values: new Float32Array(count * 2 * channels * height * width) };
}

/** @returns the moments, and for each row 1 when all of its values are finite. */
export function splitRows(
  { values, ...shape }: MomentRows,
  { minimum, maximum }: LogvarClamp,
  binding: Pick<NativeBinding, 'splitMoments'>,
): { moments: Moments; finite: Uint8Array } {
  const mean = new Float32Array(values.length / 2);
  const logvar = new Float32Array(values.length / 2);
  const finite = new Uint8Array(shape.count);
  binding.splitMoments(values, minimum, maximum, mean, logvar, finite);
  return { moments: { mean, logvar, ...shape }, finite };
}

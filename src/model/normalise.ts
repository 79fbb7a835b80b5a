/** Placeholder until the branch with the architectures is joined. */
import type { ModelFacts } from './catalog.js';

export interface PatchStatistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

type Shape = readonly [channels: number, height: number, width: number];

export function normaliseLatent(
  { normalisation }: ModelFacts,
  raw: Float32Array,
  shape: Shape,
  _statistics?: PatchStatistics,
): { values: Float32Array; shape: Shape } {
  if (normalisation.kind !== 'affine') throw new Error('not yet');
  const { shift, scale } = normalisation;
  return { values: raw.map((value) => (value - shift) * scale), shape };
}

export function normalisedShape({ normalisation }: ModelFacts, [channels, height, width]: Shape): Shape {
  return normalisation.kind === 'patches' ? [4 * channels, height / 2, width / 2] : [channels, height, width];
}

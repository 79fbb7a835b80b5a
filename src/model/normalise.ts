/**
 * From the latent that an encoder gives ("raw") to what the network of a model learns on, and back. Values are computed
 * in float64 and rounded once.
 */
import { LatentCacheError } from '../errors.js';
import type { ModelFacts } from './catalog.js';

/** Of the batch norm in FLUX.2's VAE: one value for each channel of 2×2 patches, 4 times the latent's channels. */
export interface PatchStatistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

export type LatentShape = readonly [channels: number, height: number, width: number];

export interface ShapedLatent {
  /** (channels, height, width), row-major. */
  readonly values: Float32Array;
  readonly shape: LatentShape;
}

/**
 * @param raw one latent of `shape` = [C, h, w] as the encoder gives it.
 * @param statistics of the VAE's file; models with normalisation 'patches' need them.
 * @returns the same shape; for 'patches' [4C, h/2, w/2].
 * @throws LatentCacheError ERR_ARGUMENT for a shape that is not the model's, odd sides of patches, or missing statistics.
 */
export function normaliseLatent(
  model: ModelFacts,
  raw: Float32Array,
  shape: LatentShape,
  statistics?: PatchStatistics,
): ShapedLatent {
  checkShape(model, raw, shape, model.latentChannels);
  const { normalisation } = model;
  switch (normalisation.kind) {
    case 'affine': {
      const { shift, scale } = normalisation;
      return { values: raw.map((value) => (value - shift) * scale), shape };
    }
    case 'channels': {
      const { mean, deviation } = normalisation;
      return { values: byChannel(raw, shape, (value, c) => (value - mean[c]!) / deviation[c]!), shape };
    }
    case 'patches': {
      const { mean, deviation } = patchFactors(model, normalisation.epsilon, statistics);
      const patched = movePatches(raw, shape, 'into channels');
      const values = byChannel(
        patched.values,
        patched.shape,
        (value, c) => (value - mean[c]!) / deviation[c]!,
      );
      return { values, shape: patched.shape };
    }
  }
}

/**
 * The inverse of `normaliseLatent`, but for rounding.
 *
 * @param values one normalised latent of `shape`; for 'patches' [4C, h/2, w/2].
 * @throws LatentCacheError ERR_ARGUMENT as `normaliseLatent`.
 */
export function rawLatent(
  model: ModelFacts,
  values: Float32Array,
  shape: LatentShape,
  statistics?: PatchStatistics,
): ShapedLatent {
  const { normalisation, latentChannels } = model;
  checkShape(model, values, shape, normalisation.kind === 'patches' ? 4 * latentChannels : latentChannels);
  switch (normalisation.kind) {
    case 'affine': {
      const { shift, scale } = normalisation;
      return { values: values.map((value) => value / scale + shift), shape };
    }
    case 'channels': {
      const { mean, deviation } = normalisation;
      return { values: byChannel(values, shape, (value, c) => value * deviation[c]! + mean[c]!), shape };
    }
    case 'patches': {
      const { mean, deviation } = patchFactors(model, normalisation.epsilon, statistics);
      const raw = byChannel(values, shape, (value, c) => value * deviation[c]! + mean[c]!);
      return movePatches(raw, shape, 'out of channels');
    }
  }
}

/** The shape of a normalised latent, from that of a raw one. */
export function normalisedShape(
  { normalisation }: ModelFacts,
  [channels, height, width]: LatentShape,
): LatentShape {
  return normalisation.kind === 'patches' ? [4 * channels, height / 2, width / 2] : [channels, height, width];
}

function byChannel(
  values: Float32Array,
  [, height, width]: LatentShape,
  change: (value: number, channel: number) => number,
): Float32Array {
  const pixels = height * width;
  return values.map((value, at) => change(value, Math.floor(at / pixels)));
}

function patchFactors(
  { id, latentChannels }: ModelFacts,
  epsilon: number,
  statistics: PatchStatistics | undefined,
): { mean: ArrayLike<number>; deviation: ArrayLike<number> } {
  const count = 4 * latentChannels;
  if (statistics?.mean.length !== count || statistics.variance.length !== count) {
    const got = statistics === undefined ? 'none' : `${statistics.mean.length}`;
    throw new LatentCacheError(
      'ERR_ARGUMENT',
      `expected the statistics of ${count} patch channels for model ${id}, got ${got}`,
    );
  }
  const { mean, variance } = statistics;
  return { mean, deviation: Float64Array.from(variance, (value) => Math.sqrt(value + epsilon)) };
}

/** (C, h, w) ↔ (4C, h/2, w/2), channel c·4 + 2·row + column of the patch. */
function movePatches(
  values: Float32Array,
  [channels, height, width]: LatentShape,
  direction: 'into channels' | 'out of channels',
): ShapedLatent {
  const isInto = direction === 'into channels';
  if (isInto && (height % 2 !== 0 || width % 2 !== 0)) {
    throw new LatentCacheError(
      'ERR_ARGUMENT',
      `expected even sides for patches of 2×2, got a latent of ${height}×${width}`,
    );
  }
  const [rawChannels, rows, columns] = isInto
    ? [channels, height / 2, width / 2]
    : [channels / 4, height, width];
  const moved = new Float32Array(values.length);
  for (let channel = 0; channel < rawChannels; channel++) {
    for (let y = 0; y < 2 * rows; y++) {
      for (let x = 0; x < 2 * columns; x++) {
        const inImage = (channel * 2 * rows + y) * 2 * columns + x;
        const patch = channel * 4 + (y % 2) * 2 + (x % 2);
        const inPatches = (patch * rows + (y >> 1)) * columns + (x >> 1);
        if (isInto) moved[inPatches] = values[inImage]!;
        else moved[inImage] = values[inPatches]!;
      }
    }
  }
  return {
    values: moved,
    shape: isInto ? [4 * channels, rows, columns] : [rawChannels, 2 * rows, 2 * columns],
  };
}

function checkShape({ id }: ModelFacts, values: Float32Array, shape: LatentShape, channels: number): void {
  if (shape[0] === channels && values.length === shape[0] * shape[1] * shape[2]) return;
  throw new LatentCacheError(
    'ERR_ARGUMENT',
    `expected a latent of model ${id} with ${channels} channels, got ${values.length} values as [${shape.join(',')}]`,
  );
}

import type { Bucket } from '../dataset/bucket.js';
import type { ModelFacts } from '../model/catalog.js';

/** (channels, height, width) of one image's latents. */
export type LatentShape = readonly [channels: number, height: number, width: number];

/**
 * The shape that latents have in a cache: the encoder's own, or with each 2×2 patch folded into the channels where the
 * model's normalisation does that and normalised values are stored.
 */
export function storedShape(
  { latentChannels, stride, normalisation }: ModelFacts,
  values: 'raw' | 'normalised',
  bucket: Bucket,
): LatentShape {
  const height = bucket.height / stride;
  const width = bucket.width / stride;
  return normalisation.kind === 'patches' && values === 'normalised'
    ? [4 * latentChannels, height / 2, width / 2]
    : [latentChannels, height, width];
}

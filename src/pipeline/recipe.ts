import { nameApproximate, PLAIN_PIXELS, type RecipeRecord } from '../cache/provenance.js';
import { LatentCacheError } from '../errors.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import type { PixelChoices, Target } from './options.js';

/** How caches are made with these settings. */
export function recipeOf(settings: Target, fingerprint: string): RecipeRecord {
  const { posterior, seed, dtype, resizeInterpolation, simulated, pixels } = settings;
  return {
    // so that neither a real run nor another simulation takes them for its own
    vae: simulated ? `simulated ${fingerprint}` : fingerprint,
    posterior,
    seed: posterior === 'sample' ? seed : null,
    dtype,
    interpolation: resizeInterpolation ?? 'default',
    pixels: describePixels(pixels),
  };
}

/** The fingerprint as records have it: that of a tiny encoder says what it is. */
export function recordedFingerprint({
  fingerprint,
  architecture,
}: Pick<VaeEncoderWeights, 'fingerprint' | 'architecture'>): string {
  return architecture.family === 'tiny' ? nameApproximate(fingerprint) : fingerprint;
}

function describePixels({ autoOrient, icc, background }: PixelChoices): string {
  const choices = [
    ...(autoOrient ? ['upright'] : []),
    ...(icc === 'srgb' ? ['srgb'] : []),
    ...(background === undefined ? [] : [`over ${background.join(',')}`]),
  ];
  return choices.length === 0 ? PLAIN_PIXELS : choices.join(' ');
}

export function noVae(): LatentCacheError {
  return new LatentCacheError('ERR_OPTION', 'no VAE was given', {
    remedy: 'Name a .safetensors file with --vae: a VAE, or a checkpoint that holds one.',
  });
}

import { PLAIN_PIXELS, type RecipeRecord } from '../cache/provenance.js';
import { LatentCacheError } from '../errors.js';
import type { Target } from './options.js';

/** How caches are made with these settings. */
export function recipeOf(settings: Target, fingerprint: string): RecipeRecord {
  const { posterior, seed, dtype, resizeInterpolation, simulated } = settings;
  return {
    // so that neither a real run nor another simulation takes them for its own
    vae: simulated ? `simulated ${fingerprint}` : fingerprint,
    posterior,
    seed: posterior === 'sample' ? seed : null,
    dtype,
    interpolation: resizeInterpolation ?? 'default',
    pixels: PLAIN_PIXELS,
  };
}

export function noVae(): LatentCacheError {
  return new LatentCacheError('ERR_OPTION', 'no VAE was given', {
    remedy: 'Name a .safetensors file with --vae: a VAE, or a checkpoint that holds one.',
  });
}

import type { ModelId } from '../model/catalog.js';
import { loadVae } from '../model/load-vae.js';
import { type CreateEncoderOptions, createEncoder, type SelectedEncoder } from './select.js';

export interface LoadEncoderOptions extends CreateEncoderOptions {
  /** A .safetensors file (a VAE or a full checkpoint) or a diffusers folder. */
  readonly vae: string;
  /** Default: what the file says; see `LoadVaeOptions`. */
  readonly model?: ModelId;
}

/**
 * From a VAE's file to an encoder.
 *
 * @throws LatentCacheError what `loadVae` and `createEncoder` throw.
 */
export async function loadEncoder({ vae, model, ...options }: LoadEncoderOptions): Promise<SelectedEncoder> {
  const { signal } = options;
  const weights = await loadVae(vae, {
    ...(model === undefined ? {} : { model }),
    ...(signal === undefined ? {} : { signal }),
  });
  return createEncoder(weights, options);
}

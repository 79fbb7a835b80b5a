/**
 * What musubi-tuner fixes for each model whose image latents it caches (commit 30c658c4): `dataset/architectures.py`,
 * `dataset/cache_io.py` and the `*_cache_latents.py` script of the model. HunyuanImage, SDXL and the like it does not
 * train; the Qwen-Image models for editing (`qie`) and for layers (`qil`) are architectures of their own.
 */
import { LatentCacheError } from '../../errors.js';
import type { ModelFacts, ModelId } from '../../model/catalog.js';

export interface MusubiModel {
  /** Ends the names of its caches. */
  readonly architecture: string;
  /** Stands in the files' metadata. */
  readonly fullName: string;
  /** How keys name the latent size: `1x{h}x{w}` or `{h}x{w}`. */
  readonly keySize: 'frames' | 'plain';
  /** Axes of the stored tensor: (C, h, w), or (C, 1, h, w) for the VAE that is one of videos. */
  readonly axes: 'chw' | 'cfhw';
  /** What is stored: what the encoder gives, or what the network takes. */
  readonly values: 'raw' | 'normalised';
  /** The trainer draws a sample, or takes the mean. */
  readonly posterior: 'sample' | 'mean';
  /** What the trainer itself stores: always float32, or the type of the weights in the VAE's file. */
  readonly dtype: 'float32' | 'vae-file';
  /**
   * Latents of control images in the same file. `one`: exactly one, without which training stops; `numbered`: any number
   * from 0, or none.
   */
  readonly control: 'none' | 'one' | 'numbered';
}

/** `RESOLUTION_STEPS_*` of `dataset/bucket.py`: bucket sides are multiples of it, in pixels. Equal for all of these. */
export const MUSUBI_BUCKET_STEP = 16;

const FLUX2 = {
  keySize: 'plain',
  axes: 'chw',
  values: 'normalised',
  posterior: 'mean',
  dtype: 'float32',
  control: 'numbered',
} as const;

const QWEN = {
  keySize: 'frames',
  axes: 'cfhw',
  values: 'normalised',
  posterior: 'mean',
  dtype: 'vae-file',
  control: 'none',
} as const;

export const MUSUBI_MODELS: Readonly<Partial<Record<ModelId, MusubiModel>>> = {
  'qwen-image': { architecture: 'qi', fullName: 'qwen_image', ...QWEN },
  krea2: { architecture: 'kr2', fullName: 'krea2', ...QWEN },
  'z-image': {
    architecture: 'zi',
    fullName: 'z_image',
    keySize: 'frames',
    axes: 'chw',
    values: 'raw',
    posterior: 'mean',
    dtype: 'float32',
    control: 'none',
  },
  'flux-kontext': {
    architecture: 'fk',
    fullName: 'flux_kontext',
    keySize: 'frames',
    axes: 'chw',
    values: 'normalised',
    posterior: 'sample',
    dtype: 'float32',
    control: 'one',
  },
  flux2: { architecture: 'f2d', fullName: 'flux_2_dev', ...FLUX2 },
  'flux2-klein-4b': { architecture: 'f2k4b', fullName: 'flux_2_klein_4b', ...FLUX2 },
  'flux2-klein-9b': { architecture: 'f2k9b', fullName: 'flux_2_klein_9b', ...FLUX2 },
};

/** @throws LatentCacheError `ERR_OPTION` for a model that musubi-tuner does not train on images */
export function musubiModel({ id, title }: Pick<ModelFacts, 'id' | 'title'>): MusubiModel {
  const found = MUSUBI_MODELS[id];
  if (found !== undefined) return found;
  throw new LatentCacheError('ERR_OPTION', `musubi-tuner has no cache of ${title} latents`, {
    remedy: `It trains ${Object.keys(MUSUBI_MODELS).join(', ')}.`,
  });
}

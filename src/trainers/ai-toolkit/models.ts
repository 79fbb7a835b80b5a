/**
 * What ai-toolkit (0.12.26, commit 27a03a91) fixes for each model: `get_bucket_divisibility`, `encode_images` and `arch`
 * of `toolkit/stable_diffusion_model.py` or the class under `extensions_built_in/diffusion_models`, and the choice of
 * `latent_space_version` in `toolkit/data_loader.py`. It has no HunyuanImage.
 *
 * All of them store one normalised tensor (C, h, w) under the key `latent`, in the type of the VAE: `vae_dtype` of the
 * model's options, else `dtype` of the training options, which its examples set to bfloat16.
 */
import { LatentCacheError } from '../../errors.js';
import type { ModelFacts, ModelId } from '../../model/catalog.js';

export interface AiToolkitModel {
  /** `arch` of the model's options. */
  readonly arch: string;
  /** Part of every cache's hash. `latent_space_version` of the model's options overrides it. */
  readonly latentSpaceVersion: string;
  /** Bucket sides are multiples of this, in pixels. */
  readonly bucketDivisor: number;
  /** The trainer draws a sample, or takes the mean. */
  readonly posterior: 'sample' | 'mean';
}

export const AI_TOOLKIT_MODELS: Readonly<Partial<Record<ModelId, AiToolkitModel>>> = {
  // Stable Diffusion 2 has arch and version sd2.
  sd: { arch: 'sd1', latentSpaceVersion: 'sd1', bucketDivisor: 16, posterior: 'sample' },
  sdxl: { arch: 'sdxl', latentSpaceVersion: 'sdxl', bucketDivisor: 16, posterior: 'sample' },
  sd3: { arch: 'sd3', latentSpaceVersion: 'sd3', bucketDivisor: 32, posterior: 'sample' },
  flux: { arch: 'flux', latentSpaceVersion: 'flux1', bucketDivisor: 32, posterior: 'sample' },
  chroma: { arch: 'chroma', latentSpaceVersion: 'chroma', bucketDivisor: 32, posterior: 'sample' },
  lumina: { arch: 'lumina2', latentSpaceVersion: 'lumina2', bucketDivisor: 16, posterior: 'sample' },
  'z-image': { arch: 'zimage', latentSpaceVersion: 'zimage', bucketDivisor: 16, posterior: 'sample' },
  'flux-kontext': {
    arch: 'flux_kontext',
    latentSpaceVersion: 'flux_kontext',
    bucketDivisor: 16,
    posterior: 'sample',
  },
  flux2: { arch: 'flux2', latentSpaceVersion: 'flux2', bucketDivisor: 16, posterior: 'mean' },
  'flux2-klein-4b': {
    arch: 'flux2_klein_4b',
    latentSpaceVersion: 'flux2_klein_4b',
    bucketDivisor: 16,
    posterior: 'mean',
  },
  'flux2-klein-9b': {
    arch: 'flux2_klein_9b',
    latentSpaceVersion: 'flux2_klein_9b',
    bucketDivisor: 16,
    posterior: 'mean',
  },
  'qwen-image': {
    arch: 'qwen_image',
    latentSpaceVersion: 'qwen_image',
    bucketDivisor: 32,
    posterior: 'sample',
  },
  anima: { arch: 'anima', latentSpaceVersion: 'anima', bucketDivisor: 32, posterior: 'sample' },
  krea2: { arch: 'krea2', latentSpaceVersion: 'krea2', bucketDivisor: 16, posterior: 'sample' },
};

/** @throws LatentCacheError `ERR_OPTION` for a model that ai-toolkit does not train */
export function aiToolkitModel({ id, title }: Pick<ModelFacts, 'id' | 'title'>): AiToolkitModel {
  const found = AI_TOOLKIT_MODELS[id];
  if (found !== undefined) return found;
  throw new LatentCacheError('ERR_OPTION', `ai-toolkit has no cache of ${title} latents`, {
    remedy: `It trains ${Object.keys(AI_TOOLKIT_MODELS).join(', ')}.`,
  });
}

/**
 * What sd-scripts fixes for each model that it caches latents of: the names and values of its `library/strategy_*.py`,
 * and the bucket steps that its training scripts insist on (`verify_bucket_reso_steps`).
 */
import { LatentCacheError } from '../../errors.js';
import { MODEL_IDS, MODELS, type ModelFacts, type ModelId } from '../../model/catalog.js';

export interface SdScriptsModel {
  /** `{base}_{W}x{H}_{suffix}.npz`. */
  readonly suffix: string;
  /** Array names carry the latent size; SD and SDXL before 0.11 know bare names only. */
  readonly sizedKeys: boolean;
  /** What is stored: what the encoder gives, or what the network takes. */
  readonly values: 'raw' | 'normalised';
  /** The trainer draws a sample, or takes the mean. */
  readonly posterior: 'sample' | 'mean';
  /** `bucket_reso_steps` must be a multiple of this: the least that any script for this model asks for. */
  readonly bucketStep: number;
}

export const SD_SCRIPTS_MODELS: Readonly<Partial<Record<ModelId, SdScriptsModel>>> = {
  sd: { suffix: 'sd', sizedKeys: false, values: 'raw', posterior: 'sample', bucketStep: 64 },
  sdxl: { suffix: 'sdxl', sizedKeys: false, values: 'raw', posterior: 'sample', bucketStep: 32 },
  sd3: { suffix: 'sd3', sizedKeys: true, values: 'raw', posterior: 'sample', bucketStep: 8 },
  flux: { suffix: 'flux', sizedKeys: true, values: 'normalised', posterior: 'sample', bucketStep: 16 },
  chroma: { suffix: 'flux', sizedKeys: true, values: 'normalised', posterior: 'sample', bucketStep: 16 },
  lumina: { suffix: 'lumina', sizedKeys: true, values: 'normalised', posterior: 'sample', bucketStep: 16 },
  'hunyuan-image': { suffix: 'hi', sizedKeys: true, values: 'raw', posterior: 'sample', bucketStep: 32 },
  anima: { suffix: 'anima', sizedKeys: true, values: 'normalised', posterior: 'mean', bucketStep: 16 },
};

/** Models with caches older than the names with size and suffix: for them `{base}.npz` is still read first. */
export const LEGACY_MODELS: ReadonlySet<ModelId> = new Set<ModelId>(['sd', 'sdxl']);

/** All that it caches latents of. */
export function sdScriptsModels(): ModelFacts[] {
  return MODEL_IDS.filter((id) => SD_SCRIPTS_MODELS[id] !== undefined).map((id) => MODELS[id]);
}

/** @throws LatentCacheError `ERR_OPTION` for a model that sd-scripts does not train */
export function sdScriptsModel({ id, title }: ModelFacts): SdScriptsModel {
  const found = SD_SCRIPTS_MODELS[id];
  if (found !== undefined) return found;
  throw new LatentCacheError('ERR_OPTION', `sd-scripts has no cache of ${title} latents`, {
    remedy: `It trains ${Object.keys(SD_SCRIPTS_MODELS).join(', ')}.`,
  });
}

import type { FormatId } from '../trainers/trainer.js';
import { refuse } from './option-values.js';
import type { BuildOptions } from './options.js';

/** Options that not every trainer has, by the names of sd-scripts. */
const NAMES = {
  enableBucket: 'enable_bucket',
  minBucketReso: 'min_bucket_reso',
  maxBucketReso: 'max_bucket_reso',
  bucketResoSteps: 'bucket_reso_steps',
  bucketNoUpscale: 'bucket_no_upscale',
  flipAug: 'flip_aug',
  alphaMask: 'alpha_mask',
  resizeInterpolation: 'resize_interpolation',
  legacyName: 'legacy_name',
  suffix: 'suffix',
  multiResolutionKeys: 'multi_resolution_keys',
  webpSize: 'webp_size',
  captionExtension: 'caption_extension',
} as const satisfies Partial<Record<keyof BuildOptions, string>>;
type Name = keyof typeof NAMES;

const BUCKETS = [
  'enableBucket',
  'minBucketReso',
  'maxBucketReso',
  'bucketResoSteps',
  'bucketNoUpscale',
  'flipAug',
  'alphaMask',
  'resizeInterpolation',
] as const;

const USED: Readonly<Record<FormatId, readonly Name[]>> = {
  'sd-scripts': [...BUCKETS, 'legacyName', 'suffix', 'multiResolutionKeys', 'webpSize'],
  musubi: ['enableBucket', 'bucketNoUpscale', 'captionExtension'],
  'ai-toolkit': ['flipAug'],
  safetensors: BUCKETS,
};

/**
 * An option that none of the trainers has would do nothing.
 *
 * @throws LatentCacheError `ERR_OPTION`
 */
export function checkUsed(options: Pick<BuildOptions, Name>, formats: readonly FormatId[]): void {
  for (const name of Object.keys(NAMES) as Name[]) {
    const value = options[name];
    if (value === undefined || value === false) continue;
    // ai-toolkit always has buckets.
    if (name === 'enableBucket' && formats.includes('ai-toolkit')) continue;
    if (formats.some((format) => USED[format].includes(name))) continue;
    refuse(
      `${formats.join(' and ')} ${formats.length === 1 ? 'has' : 'have'} no ${NAMES[name]}`,
      'Leave the option out.',
    );
  }
}

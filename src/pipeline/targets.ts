/** From the options of a run to what it makes: for each folder, each trainer and each resolution. */
import path from 'node:path';
import type { LatentDtype } from '../cache/latent-entry.js';
import { BUCKET_DEFAULTS, type BucketSettings, type Size } from '../dataset/bucket.js';
import type { Interpolation } from '../native/binding.js';
import { createTrainer } from '../trainers/create-trainer.js';
import type { FormatId, Trainer } from '../trainers/trainer.js';
import { integer, oneOf, refuse } from './option-values.js';
import {
  type BuildOptions,
  CHOICES,
  type Resolution,
  type RunSettings,
  type Source,
  type Target,
} from './options.js';
import { checkUsed } from './used-options.js';
import { joinWishes, type Wish } from './wishes.js';

/**
 * @param sources folders and what their description says of them
 * @param formats when the options name none
 * @throws LatentCacheError `ERR_OPTION` with the option, what it takes and what it got
 */
export function createTargets(
  run: RunSettings,
  options: BuildOptions,
  sources: readonly Source[],
  format: FormatId,
): readonly [Target, ...Target[]] {
  const formats = toList(options.format ?? format).map((each) => oneOf('format', each, CHOICES.format));
  checkUsed(options, formats);
  const wishes = sources.flatMap((source) => {
    const merged = { ...options, ...source.settings };
    const resolutions = toList(merged.resolution ?? run.model.nativeResolution).map(toSize);
    return formats.flatMap((each) =>
      resolutions.map((resolution): Wish => ({ format: each, source, resolution, options: merged })),
    );
  });
  const targets = joinWishes(wishes).flatMap((wish, _, all) => createFor(run, wish, all));
  checkPosterior(targets);
  const [first, ...others] = targets;
  return first === undefined
    ? refuse('at least one folder, one format and one resolution are needed')
    : [first, ...others];
}

function createFor(run: RunSettings, wish: Wish, all: readonly Wish[]): Target[] {
  const target = createTarget(run, wish, all, false);
  const mirrors = wish.options.flipAug === true && target.trainer.mirrorsAsImages;
  return mirrors ? [target, createTarget(run, wish, all, true)] : [target];
}

function createTarget(run: RunSettings, wish: Wish, all: readonly Wish[], mirrored: boolean): Target {
  const { format, source, resolution, options } = wish;
  const resizeInterpolation = interpolation(options.resizeInterpolation);
  const trainer = createTrainer(format, {
    model: run.model,
    buckets: bucketSettings(resolution, options),
    interpolation: resizeInterpolation,
    suffix: options.suffix,
    legacyName: options.legacyName ?? false,
    multiResolutionKeys: options.multiResolutionKeys ?? hasOtherResolutions(wish, all),
    webpSize: oneOf('webp_size', options.webpSize ?? 'trainer', CHOICES.webpSize),
    alphaMask: options.alphaMask === true,
    upright: run.pixels.autoOrient,
    mirrored,
    captionExtension: source.captionExtension ?? options.captionExtension,
  });
  const alphaMask = trainer.keepsMasks && options.alphaMask === true;
  if (alphaMask && run.pixels.background !== undefined) {
    refuse(
      'alpha_mask and alpha_background exclude each other: over a background nothing is transparent',
      'Leave one of them out.',
    );
  }
  return {
    ...run,
    inputs: source.inputs,
    images: source.images,
    except: source.except,
    recursive: source.recursive ?? options.recursive ?? trainer.images.searchesSubFolders,
    outDir: (format === 'musubi' ? source.outDir : undefined) ?? options.outDir,
    trainer,
    resolution,
    flipAug: trainer.keepsFlipped && options.flipAug === true,
    alphaMask,
    resizeInterpolation,
    dtype: dtypeOf(options.dtype, trainer),
  };
}

/** Then one file holds several resolutions of an image, and its keys must tell them apart. */
function hasOtherResolutions(wish: Wish, all: readonly Wish[]): boolean {
  const folders = new Set(wish.source.inputs.map((input) => path.resolve(input)));
  const buckets = JSON.stringify(bucketSettings(wish.resolution, wish.options));
  return all.some(
    (other) =>
      other.format === wish.format &&
      JSON.stringify(bucketSettings(other.resolution, other.options)) !== buckets &&
      other.source.inputs.some((input) => folders.has(path.resolve(input))),
  );
}

/** A trainer that takes the mean is never given a sample. */
function checkPosterior(targets: readonly Target[]): void {
  const sampled = targets.filter(({ posterior }) => posterior === 'sample');
  const wrong = sampled.find(({ trainer }) => trainer.posterior === 'mean');
  if (wrong === undefined) return;
  refuse(
    `${wrong.trainer.format} takes the mean of ${wrong.model.title} latents, not a sample`,
    'Leave --posterior out.',
  );
}

function bucketSettings(resolution: Size, options: BuildOptions): BucketSettings {
  const side = (name: string, value: number) => integer(name, value, 1, 65536);
  return {
    resolution,
    enableBucket: options.enableBucket ?? BUCKET_DEFAULTS.enableBucket,
    minBucketReso: side('min_bucket_reso', options.minBucketReso ?? BUCKET_DEFAULTS.minBucketReso),
    maxBucketReso: side('max_bucket_reso', options.maxBucketReso ?? BUCKET_DEFAULTS.maxBucketReso),
    bucketResoSteps: side('bucket_reso_steps', options.bucketResoSteps ?? BUCKET_DEFAULTS.bucketResoSteps),
    bucketNoUpscale: options.bucketNoUpscale ?? BUCKET_DEFAULTS.bucketNoUpscale,
  };
}

/** Without a wish, what the trainer writes; what the VAE's file has is not known here. */
function dtypeOf(option: LatentDtype | undefined, { format, dtypes }: Trainer): LatentDtype {
  if (option === undefined) return dtypes[0];
  const dtype = oneOf('dtype', option, CHOICES.dtype);
  if (dtypes.includes(dtype)) return dtype;
  return refuse(`${format} stores ${dtypes.join(' or ')}, not ${dtype}`);
}

function toSize(resolution: Resolution): Size {
  const size = typeof resolution === 'number' ? { width: resolution, height: resolution } : resolution;
  return {
    width: integer('resolution', size.width, 8, 65536),
    height: integer('resolution', size.height, 8, 65536),
  };
}

function interpolation(option: BuildOptions['resizeInterpolation']): Interpolation | undefined {
  if (option === undefined) return undefined;
  const name = oneOf('resize_interpolation', option, CHOICES.resizeInterpolation);
  if (name === 'linear') return 'bilinear';
  return name === 'cubic' ? 'bicubic' : name;
}

function toList<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

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
  const joined = joinWishes(wishes);
  const bucketings = bucketingsOf(joined);
  const targets = joined.flatMap((wish) => createFor(run, wish, bucketings));
  checkPosterior(targets);
  const [first, ...others] = targets;
  return first === undefined
    ? refuse('at least one folder, one format and one resolution are needed')
    : [first, ...others];
}

function createFor(run: RunSettings, wish: Wish, bucketings: Bucketings): Target[] {
  const target = createTarget(run, wish, bucketings, false);
  const mirrors = wish.options.flipAug === true && target.trainer.mirrorsAsImages;
  return mirrors ? [target, createTarget(run, wish, bucketings, true)] : [target];
}

function createTarget(run: RunSettings, wish: Wish, bucketings: Bucketings, mirrored: boolean): Target {
  const { format, source, resolution, options } = wish;
  const resizeInterpolation = interpolation(options.resizeInterpolation);
  const trainer = createTrainer(format, {
    model: run.model,
    buckets: bucketSettings(resolution, options),
    interpolation: resizeInterpolation,
    suffix: options.suffix,
    legacyName: options.legacyName ?? false,
    multiResolutionKeys: options.multiResolutionKeys ?? hasSeveral(wish, bucketings),
    webpSize: oneOf('webp_size', options.webpSize ?? 'trainer', CHOICES.webpSize),
    alphaMask: options.alphaMask === true,
    upright: run.pixels.autoOrient,
    mirrored,
    captionExtension: source.captionExtension ?? options.captionExtension,
    controls: source.controls,
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
    controlDirectory: source.controls?.directory,
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

/** The ways in which each folder is put into buckets, for each trainer. */
type Bucketings = ReadonlyMap<string, ReadonlySet<string>>;

function bucketingsOf(wishes: readonly Wish[]): Bucketings {
  const bucketings = new Map<string, Set<string>>();
  for (const wish of wishes) {
    const buckets = JSON.stringify(bucketSettings(wish.resolution, wish.options));
    for (const key of folderKeys(wish)) {
      const known = bucketings.get(key) ?? new Set();
      bucketings.set(key, known.add(buckets));
    }
  }
  return bucketings;
}

/** Then one file holds several resolutions of an image, and its keys must tell them apart. */
function hasSeveral(wish: Wish, bucketings: Bucketings): boolean {
  return folderKeys(wish).some((key) => bucketings.get(key)!.size > 1);
}

function folderKeys({ format, source }: Wish): string[] {
  return source.inputs.map((input) => `${format} ${path.resolve(input)}`);
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

/** @throws LatentCacheError `ERR_OPTION` */
export function bucketSettings(
  resolution: Size,
  options: Pick<BuildOptions, keyof typeof BUCKET_DEFAULTS>,
): BucketSettings {
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

/** @throws LatentCacheError `ERR_OPTION` */
export function toSize(resolution: Resolution): Size {
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

/** From the options of a run to what it makes: for each trainer, each resolution. */
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
  resolveRun,
  type Target,
} from './options.js';

/** @throws LatentCacheError `ERR_OPTION` with the option, what it takes and what it got */
export function resolveTargets(options: BuildOptions): readonly [Target, ...Target[]] {
  const run = resolveRun(options);
  if (options.inputs.length === 0)
    refuse('at least one image folder is needed', 'Name the folder that holds the images.');
  const resolutions = toList(options.resolution ?? run.model.nativeResolution).map(toSize);
  const formats = toList(options.format ?? 'sd-scripts').map((format) =>
    oneOf('format', format, CHOICES.format),
  );
  const sizedKeys = options.multiResolutionKeys ?? resolutions.length > 1;
  const targets = formats.flatMap((format) =>
    resolutions.map((resolution) =>
      createTarget(run, format, resolution, { ...options, multiResolutionKeys: sizedKeys }),
    ),
  );
  const [first, ...others] = targets;
  return first === undefined
    ? refuse('at least one format and one resolution is needed')
    : [first, ...others];
}

function createTarget(run: RunSettings, format: FormatId, resolution: Size, options: BuildOptions): Target {
  const resizeInterpolation = interpolation(options.resizeInterpolation);
  const trainer = createTrainer(format, {
    model: run.model,
    buckets: bucketSettings(resolution, options),
    interpolation: resizeInterpolation,
    suffix: options.suffix,
    legacyName: options.legacyName ?? false,
    multiResolutionKeys: options.multiResolutionKeys ?? false,
    webpSize: oneOf('webp_size', options.webpSize ?? 'trainer', CHOICES.webpSize),
  });
  return {
    ...run,
    inputs: options.inputs,
    recursive: options.recursive ?? trainer.images.searchesSubFolders,
    outDir: options.outDir,
    trainer,
    resolution,
    flipAug: trainer.keepsFlipped && options.flipAug === true,
    alphaMask: trainer.keepsMasks && options.alphaMask === true,
    resizeInterpolation,
    dtype: dtypeOf(options.dtype, trainer),
  };
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

/**
 * sd-scripts' bucket arithmetic. Python's integer and float operations are IEEE doubles here as there, so every
 * result is equal to the last bit (cache format note, 1.4 steps 0 to 4).
 */
import { LatentCacheError } from '../errors.js';

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A training resolution that images are resized and cropped to, in pixels. */
export type Bucket = Size;

/** Names and defaults are those of sd-scripts' dataset options. */
export interface BucketSettings {
  readonly resolution: Size;
  readonly enableBucket: boolean;
  readonly minBucketReso: number;
  readonly maxBucketReso: number;
  readonly bucketResoSteps: number;
  readonly bucketNoUpscale: boolean;
}

export const BUCKET_DEFAULTS = {
  enableBucket: false,
  minBucketReso: 256,
  maxBucketReso: 1024,
  bucketResoSteps: 64,
  bucketNoUpscale: false,
} as const;

/** Where one image goes: its bucket, and the size of the whole image before the bucket is cut out of it. */
export interface BucketChoice {
  readonly bucket: Bucket;
  readonly resized: Size;
}

/** Chooses buckets for image sizes under one set of settings. */
export class BucketSelector {
  readonly settings: BucketSettings;
  /** The fixed list, sorted by width, then height; empty with `bucketNoUpscale`, which makes buckets to measure. */
  readonly buckets: readonly Bucket[];
  private readonly ratios: readonly number[];
  private readonly indexBySize: ReadonlyMap<string, number>;

  /** @throws LatentCacheError `ERR_OPTION` for settings on which the trainer itself would stop. */
  constructor(settings: BucketSettings) {
    this.settings = settings.enableBucket ? alignBounds(settings) : settings;
    checkSettings(this.settings);
    this.buckets = listBuckets(this.settings);
    this.ratios = this.buckets.map(({ width, height }) => width / height);
    this.indexBySize = new Map(this.buckets.map(({ width, height }, index) => [`${width}x${height}`, index]));
  }

  /** @throws LatentCacheError `ERR_IMAGE_TOO_SMALL` when no bucket fits inside the image. */
  select(image: Size): BucketChoice {
    const { enableBucket, bucketNoUpscale } = this.settings;
    return enableBucket && bucketNoUpscale ? this.selectWithoutUpscale(image) : this.selectFromList(image);
  }

  private selectFromList(image: Size): BucketChoice {
    const ratio = image.width / image.height;
    const index = this.indexBySize.get(`${image.width}x${image.height}`) ?? nearest(this.ratios, ratio);
    const bucket = this.buckets[index]!;
    const scale =
      ratio > bucket.width / bucket.height ? bucket.height / image.height : bucket.width / image.width;
    return {
      bucket,
      resized: {
        width: Math.trunc(image.width * scale + 0.5),
        height: Math.trunc(image.height * scale + 0.5),
      },
    };
  }

  private selectWithoutUpscale(image: Size): BucketChoice {
    const { resolution, bucketResoSteps: step } = this.settings;
    const area = resolution.width * resolution.height;
    const resized = image.width * image.height > area ? shrinkToArea(image, area, step) : image;
    const bucket = {
      width: resized.width - (resized.width % step),
      height: resized.height - (resized.height % step),
    };
    if (!(bucket.width > 0 && bucket.height > 0)) throw tooSmall(image, step);
    return { bucket, resized };
  }
}

/** Lower bound down, upper bound up to a multiple of the step, as the trainer adjusts them. */
function alignBounds(settings: BucketSettings): BucketSettings {
  const { minBucketReso: min, maxBucketReso: max, bucketResoSteps: step } = settings;
  return { ...settings, minBucketReso: min - (min % step), maxBucketReso: Math.ceil(max / step) * step };
}

function checkSettings(settings: BucketSettings): void {
  const { resolution, enableBucket, minBucketReso, maxBucketReso, bucketResoSteps } = settings;
  const refuse = (message: string, remedy: string): never => {
    throw new LatentCacheError('ERR_OPTION', message, { remedy });
  };
  const text = `${resolution.width},${resolution.height}`;
  if (!enableBucket) return;
  // Only the fixed list is made from the lower bound; at 0 the trainer divides by it.
  if (minBucketReso < bucketResoSteps && !settings.bucketNoUpscale) {
    refuse(
      `min_bucket_reso must be at least one step of ${bucketResoSteps} pixels`,
      `Raise --min-bucket-reso to ${bucketResoSteps} or more, or lower --bucket-reso-steps.`,
    );
  }
  if (Math.min(resolution.width, resolution.height) < minBucketReso) {
    refuse(
      `resolution ${text} is below min_bucket_reso ${minBucketReso}; the trainer refuses this`,
      'Raise --resolution or lower --min-bucket-reso.',
    );
  }
  if (Math.max(resolution.width, resolution.height) > maxBucketReso) {
    refuse(
      `resolution ${text} is above max_bucket_reso ${maxBucketReso}; the trainer refuses this`,
      'Raise --max-bucket-reso (2048 is usual for 1024) or lower --resolution.',
    );
  }
}

/** The trainer's fixed list (`make_bucket_resolutions`); the one resolution when buckets are off. */
function listBuckets(settings: BucketSettings): Bucket[] {
  const { resolution, minBucketReso: min, maxBucketReso: max, bucketResoSteps: step } = settings;
  if (!settings.enableBucket) return [resolution];
  if (settings.bucketNoUpscale) return [];

  const area = resolution.width * resolution.height;
  const side = Math.floor(Math.sqrt(area) / step) * step;
  const buckets = new Map<string, Bucket>();
  const add = (width: number, height: number) => buckets.set(`${width}x${height}`, { width, height });
  add(side, side);
  for (let width = min; width <= max; width += step) {
    const height = Math.min(max, Math.floor(Math.floor(area / width) / step) * step);
    if (height >= min) {
      add(width, height);
      add(height, width);
    }
  }
  return [...buckets.values()].sort((a, b) => a.width - b.width || a.height - b.height);
}

/** Index of the smallest distance; the first of equals, as numpy's argmin. */
function nearest(ratios: readonly number[], ratio: number): number {
  let best = 0;
  for (let index = 1; index < ratios.length; index++) {
    if (Math.abs(ratios[index]! - ratio) < Math.abs(ratios[best]! - ratio)) best = index;
  }
  return best;
}

/** Keeps the ratio within `area`, with one side on the step: the side that distorts the ratio less. */
function shrinkToArea(image: Size, area: number, step: number): Size {
  const ratio = image.width / image.height;
  const width = Math.sqrt(area * ratio);
  const height = area / width;
  const onStep = (value: number) => {
    const rounded = Math.trunc(value + 0.5);
    return rounded - (rounded % step);
  };
  const width1 = onStep(width);
  const height1 = onStep(width1 / ratio);
  const height2 = onStep(height);
  const width2 = onStep(height2 * ratio);
  // Python stops here with a division by zero.
  if (height1 === 0 || height2 === 0) throw tooSmall(image, step);
  return Math.abs(width1 / height1 - ratio) < Math.abs(width2 / height2 - ratio)
    ? { width: width1, height: Math.trunc(width1 / ratio + 0.5) }
    : { width: Math.trunc(height2 * ratio + 0.5), height: height2 };
}

function tooSmall(image: Size, step: number): LatentCacheError {
  return new LatentCacheError(
    'ERR_IMAGE_TOO_SMALL',
    `The image of ${image.width}x${image.height} pixels leaves less than one bucket step of ${step} pixels on a side; ` +
      'the trainer stops on it',
    {
      remedy:
        'Take the image out of the data set, train without --bucket-no-upscale, or lower --bucket-reso-steps.',
    },
  );
}

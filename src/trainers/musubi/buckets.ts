/**
 * musubi-tuner's bucket arithmetic (`BucketSelector` in `dataset/bucket.py`, `resize_image_to_bucket` in
 * `dataset/media_utils.py`). Python's floats and integers are IEEE doubles here, so that every result is equal.
 */
import type { Bucket, BucketChoice, Size } from '../../dataset/bucket.js';
import { sameSize, sizeName } from '../../dataset/size.js';
import { LatentCacheError } from '../../errors.js';
import { MUSUBI_BUCKET_STEP } from './models.js';

/** The options of a data set's configuration by which its images are resized. */
export interface MusubiBucketSettings {
  readonly resolution: Size;
  /** `enable_bucket`: without it, every image gets the resolution itself. */
  readonly enableBucket: boolean;
  /** `bucket_no_upscale`: without effect when buckets are off. */
  readonly noUpscale: boolean;
}

/** `resize_image_to_bucket`: the image covers its bucket. */
export function insideBucket(image: Size, bucket: Bucket): BucketChoice {
  if (sameSize(bucket, image)) return { bucket, resized: image };
  const scale = Math.max(bucket.width / image.width, bucket.height / image.height);
  return {
    bucket,
    resized: {
      width: Math.trunc(image.width * scale + 0.5),
      height: Math.trunc(image.height * scale + 0.5),
    },
  };
}

/** Chooses buckets for image sizes under one set of settings. */
export class MusubiBuckets {
  readonly settings: MusubiBucketSettings;
  /** The fixed list, sorted by width, then height. */
  readonly buckets: readonly Bucket[];
  private readonly step = MUSUBI_BUCKET_STEP;

  /** @throws LatentCacheError `ERR_OPTION` for settings on which the trainer itself would stop */
  constructor(settings: MusubiBucketSettings) {
    this.settings = settings;
    this.buckets = settings.enableBucket ? this.listBuckets() : [this.checkedResolution()];
  }

  /** @throws LatentCacheError `ERR_IMAGE_TOO_SMALL` when no bucket fits inside the image */
  select(image: Size): BucketChoice {
    return insideBucket(image, this.bucketOf(image));
  }

  private bucketOf(image: Size): Bucket {
    const { enableBucket, noUpscale, resolution } = this.settings;
    const area = resolution.width * resolution.height;
    if (enableBucket && noUpscale && image.width * image.height <= area) return this.insideOf(image);
    const ratio = image.width / image.height;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [index, { width, height }] of this.buckets.entries()) {
      const distance = Math.abs(width / height - ratio);
      // The first of equals, as numpy's argmin.
      if (distance < least) {
        best = index;
        least = distance;
      }
    }
    return this.buckets[best]!;
  }

  private insideOf(image: Size): Bucket {
    const bucket = { width: this.onStep(image.width), height: this.onStep(image.height) };
    if (bucket.width > 0 && bucket.height > 0) return bucket;
    throw new LatentCacheError(
      'ERR_IMAGE_TOO_SMALL',
      `The image of ${sizeName(image)} pixels has a side below one bucket step of ${this.step} pixels; the trainer stops on it`,
      { remedy: 'Take the image out of the data set, or train without bucket_no_upscale.' },
    );
  }

  private listBuckets(): Bucket[] {
    const { width, height } = this.settings.resolution;
    const area = width * height;
    const side = Math.trunc(Math.sqrt(area));
    const least = this.onStep(Math.floor(side / 2));
    if (least === 0) {
      throw new LatentCacheError(
        'ERR_OPTION',
        `resolution ${width},${height} is too small for buckets; the trainer refuses this`,
        { remedy: `Give a resolution of at least ${2 * this.step},${2 * this.step}.` },
      );
    }
    const buckets = new Map<string, Bucket>();
    const add = (bucket: Bucket) => buckets.set(sizeName(bucket), bucket);
    for (let a = least; a < side + this.step; a += this.step) {
      const b = this.onStep(Math.floor(area / a));
      add({ width: a, height: b });
      add({ width: b, height: a });
    }
    return [...buckets.values()].sort((a, b) => a.width - b.width || a.height - b.height);
  }

  /** With buckets off the trainer takes the resolution as it is, and its network fails on latents of odd size. */
  private checkedResolution(): Bucket {
    const { resolution } = this.settings;
    if (resolution.width % this.step === 0 && resolution.height % this.step === 0) return resolution;
    throw new LatentCacheError(
      'ERR_OPTION',
      `without buckets, resolution ${resolution.width},${resolution.height} has to be a multiple of ${this.step}`,
      { remedy: `Give multiples of ${this.step}, or set enable_bucket.` },
    );
  }

  private onStep(pixels: number): number {
    return pixels - (pixels % this.step);
  }
}

/** How an image was scaled, cut and resampled on its way into latents, or would be. */
import { BucketSelector, type BucketSettings, type Size } from '../dataset/bucket.js';
import { planGeometry } from '../dataset/geometry.js';
import { sameSize, sizeName } from '../dataset/size.js';
import { LatentCacheError } from '../errors.js';
import type { Framing } from '../inspect/entries.js';
import type { Interpolation } from '../native/binding.js';
import { centreCrop } from '../trainers/centre-crop.js';
import { musubiResize } from '../trainers/musubi/pixels.js';
import { defaultInterpolation, PILLOW } from '../trainers/sd-scripts/pixels.js';
import type { FormatId } from '../trainers/trainer.js';

/** From the pixels of an image, upright or not, to those of its bucket. */
export interface PixelPath extends Framing {
  readonly original: Size;
  readonly interpolation: Interpolation;
  readonly premultiply: boolean;
}

/**
 * The size that sd-scripts and musubi-tuner scale an image to for a bucket that is given: both cover it, and cut out the
 * middle. The one exception is `bucket_no_upscale` of sd-scripts, for which the options of the data set are asked.
 */
export function framingFor(
  original: Size,
  bucket: Size,
  pixelsOf: FormatId,
  buckets: BucketSettings,
): Framing {
  const asked = pixelsOf === 'musubi' || !buckets.bucketNoUpscale ? undefined : choose(buckets, original);
  if (asked !== undefined && sameSize(asked.bucket, bucket))
    return { resized: asked.resized, crop: asked.crop };
  const resized = sameSize(original, bucket) ? original : cover(original, bucket);
  return { resized, crop: centreCrop(resized, bucket) };
}

/** As sd-scripts' `select_bucket` and musubi-tuner's `resize_image_to_bucket` round. */
function cover(original: Size, bucket: Size): Size {
  const scale = Math.max(bucket.width / original.width, bucket.height / original.height);
  return {
    width: Math.trunc(original.width * scale + 0.5),
    height: Math.trunc(original.height * scale + 0.5),
  };
}

function choose(buckets: BucketSettings, original: Size) {
  try {
    return planGeometry(new BucketSelector(buckets), original);
  } catch (error) {
    if (error instanceof LatentCacheError) return undefined;
    throw error;
  }
}

/** @param asked the interpolation that a record names; undefined: the trainer's own */
export function resamplingFor(
  pixelsOf: FormatId,
  { original, resized }: Pick<PixelPath, 'original' | 'resized'>,
  asked: Interpolation | undefined,
  has: { readonly rgba: boolean; readonly mask: boolean },
): Pick<PixelPath, 'interpolation' | 'premultiply'> {
  switch (pixelsOf) {
    case 'musubi':
      return musubiResize(original, resized, has.rgba);
    case 'ai-toolkit':
      return { interpolation: 'pillow-bicubic', premultiply: false };
    default: {
      const interpolation = asked ?? defaultInterpolation({ original, resized });
      return { interpolation, premultiply: has.mask && PILLOW.has(interpolation) };
    }
  }
}

/**
 * The first difference between pixels that were encoded and those that would be.
 *
 * @returns in words; undefined when there is none
 */
export function findPixelDifference(made: PixelPath, wanted: PixelPath, isRgba: boolean): string | undefined {
  if (!sameSize(made.resized, wanted.resized))
    return `the image was scaled to ${sizeName(made.resized)}, and would be to ${sizeName(wanted.resized)}`;
  if (made.crop.left !== wanted.crop.left || made.crop.top !== wanted.crop.top)
    return `the bucket was cut out at ${place(made)}, and would be at ${place(wanted)}`;
  // What keeps its size is not resampled.
  if (sameSize(made.original, made.resized)) return undefined;
  if (made.interpolation !== wanted.interpolation)
    return `the image was resampled with ${made.interpolation}, and would be with ${wanted.interpolation}`;
  if (isRgba && made.premultiply !== wanted.premultiply)
    return `alpha ${made.premultiply ? 'weighted' : 'did not weight'} the colours where the image was resampled, and would ${wanted.premultiply ? '' : 'not '}do so`;
  return undefined;
}

function place({ crop }: Framing): string {
  return `${crop.left},${crop.top}`;
}

import type { Bucket, Size } from '../dataset/bucket.js';

/** Where a bucket is cut out of the resized image, in pixels. */
export interface Crop {
  readonly left: number;
  readonly top: number;
}

/** The middle; of an odd rest, the larger half falls away to the right and below. */
export function centreCrop(resized: Size, bucket: Bucket): Crop {
  return {
    left: Math.floor((resized.width - bucket.width) / 2),
    top: Math.floor((resized.height - bucket.height) / 2),
  };
}

import type { Bucket, BucketSelector, Size } from './bucket.js';

/** Left, top, right, bottom in pixels of the bucket; right and bottom may be fractional. */
export type CropLtrb = readonly [left: number, top: number, right: number, bottom: number];

/** The way of one image from its stored size to its bucket. */
export interface Geometry {
  /** Size of the decoded pixels, before any EXIF rotation. */
  readonly original: Size;
  readonly bucket: Bucket;
  /** Size of the whole image after resizing; equal to `original` when nothing is resized. */
  readonly resized: Size;
  /** Where the bucket is cut out of the resized image. */
  readonly crop: { readonly left: number; readonly top: number };
  /** SDXL's size conditioning, not the crop above: it depends on bucket and original size alone. */
  readonly cropLtrb: CropLtrb;
}

/**
 * The bucket of an image, the size that it is resized to and what is cut out of it, by the rules of sd-scripts.
 *
 * @param decoded size of the decoded pixels
 * @param listed the size by which the trainer chooses the bucket: the same but for its misread of some WebP headers
 * @throws LatentCacheError `ERR_IMAGE_TOO_SMALL`
 */
export function planGeometry(
  selector: Pick<BucketSelector, 'select'>,
  decoded: Size,
  listed: Size = decoded,
): Geometry {
  const { bucket, resized } = selector.select(listed);
  return {
    original: decoded,
    bucket,
    resized,
    crop: {
      left: Math.floor((resized.width - bucket.width) / 2),
      top: Math.floor((resized.height - bucket.height) / 2),
    },
    cropLtrb: cropLtrb(bucket, decoded),
  };
}

/** `BucketManager.get_crop_ltrb`: where the scaled image sits in the bucket, as Stability AI's preprocessing has it. */
export function cropLtrb(bucket: Bucket, original: Size): CropLtrb {
  const ratio = original.width / original.height;
  const wider = bucket.width / bucket.height > ratio;
  const width = wider ? bucket.height * ratio : bucket.width;
  const height = wider ? bucket.height : bucket.width / ratio;
  const left = Math.floor((bucket.width - width) / 2);
  const top = Math.floor((bucket.height - height) / 2);
  return [left, top, left + width, top + height];
}

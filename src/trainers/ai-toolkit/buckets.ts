/**
 * ai-toolkit's bucket arithmetic (`toolkit/buckets.py`, `setup_buckets` in `toolkit/dataloader_mixins.py`), with its
 * default `buckets: true` and `scale: 1`. Without buckets its cache names do not tell resolutions apart.
 *
 * The pixels that follow from it: Pillow opens the first frame, EXIF (or XMP) orientation is applied, `convert("RGB")`
 * drops all transparency, the image is mirrored, resized as a whole with Pillow's BICUBIC (also where the size stays,
 * which changes nothing), the bucket cut out; float32 value / 255, times 2, minus 1; then the VAE's type.
 */
import type { BucketChoice, Size } from '../../dataset/bucket.js';
import { LatentCacheError } from '../../errors.js';
import { type Crop, centreCrop } from '../centre-crop.js';

export interface AiToolkitBucketSettings {
  /** One number: the area of a bucket is at most its square, in pixels. A list in the options is one data set for each. */
  readonly resolution: number;
  /** `square_crop`: squares of the resolution, for which small images are enlarged. */
  readonly squareCrop: boolean;
  /** Of the model. */
  readonly divisor: number;
}

/** The size that the whole image is scaled to, and what is cut out of it. */
export interface AiToolkitChoice extends BucketChoice {
  readonly crop: Crop;
}

/** Chooses buckets for image sizes under one set of settings. */
export class AiToolkitBuckets {
  readonly settings: AiToolkitBucketSettings;

  /** @throws LatentCacheError `ERR_OPTION` for squares that the model cannot be trained on */
  constructor(settings: AiToolkitBucketSettings) {
    const { resolution, squareCrop, divisor } = settings;
    if (squareCrop && resolution % divisor !== 0) {
      throw new LatentCacheError(
        'ERR_OPTION',
        `with square_crop, resolution ${resolution} has to be a multiple of ${divisor}`,
        { remedy: `Give a multiple of ${divisor}, or train without square_crop.` },
      );
    }
    this.settings = settings;
  }

  /** @param image size after EXIF orientation */
  select(image: Size): AiToolkitChoice {
    const { squareCrop, resolution } = this.settings;
    const bucket = squareCrop ? { width: resolution, height: resolution } : this.bucketOf(image);
    const scale = Math.max(bucket.width / image.width, bucket.height / image.height);
    const resized = { width: Math.ceil(image.width * scale), height: Math.ceil(image.height * scale) };
    return { bucket, resized, crop: centreCrop(resized, bucket) };
  }

  /** `get_bucket_for_image_size`: of the four sizes around the ideal one, the nearest in area that is not too large. */
  private bucketOf({ width, height }: Size): Size {
    const { resolution, divisor } = this.settings;
    const most = resolution * resolution;
    const target = Math.min(width * height, most);
    // Python's `** 0.5`; no size is known for which it and the square root lead to different buckets.
    const scale = Math.sqrt(target / (width * height));
    const columns = (width * scale) / divisor;
    const rows = (height * scale) / divisor;
    const candidates: Size[] = [];
    for (const across of [Math.floor(columns), Math.ceil(columns)]) {
      for (const down of [Math.floor(rows), Math.ceil(rows)]) {
        const candidate = { width: across * divisor, height: down * divisor };
        if (across > 0 && down > 0 && candidate.width * candidate.height <= most) candidates.push(candidate);
      }
    }
    if (candidates.length === 0) {
      return {
        width: Math.max(divisor, Math.floor(columns) * divisor),
        height: Math.max(divisor, Math.floor(rows) * divisor),
      };
    }
    const distance = (size: Size) => Math.abs(size.width * size.height - target);
    // The first of equals, as Python's min.
    return candidates.reduce((best, next) => (distance(next) < distance(best) ? next : best));
  }
}

/** sd-scripts' way from an image to its bucket. */
import type { BucketSelector, Size } from '../../dataset/bucket.js';
import { type Geometry, planGeometry } from '../../dataset/geometry.js';
import type { ImageInfo } from '../../dataset/inspect-image.js';
import { LatentCacheError } from '../../errors.js';
import type { Interpolation } from '../../native/binding.js';
import type { TrainerSettings } from '../settings.js';
import type { Resampling } from '../trainer.js';

/** @throws LatentCacheError `ERR_IMAGE_TOO_SMALL` */
export function planPixels(
  { size }: Pick<ImageInfo, 'size'>,
  listed: Size,
  buckets: BucketSelector,
  { interpolation, alphaMask }: Pick<TrainerSettings, 'interpolation' | 'alphaMask'>,
): { readonly geometry: Geometry; readonly resampling: Resampling } {
  if (listed.width < 1 || listed.height < 1) throw misread(size);
  const geometry = planGeometry(buckets, size, listed);
  const resampler = interpolation ?? defaultInterpolation(geometry);
  return {
    geometry,
    resampling: {
      upright: false,
      mirrored: false,
      interpolation: resampler,
      // With a mask, Pillow gets RGBA.
      premultiply: alphaMask && PILLOW.has(resampler),
    },
  };
}

const PILLOW: ReadonlySet<Interpolation> = new Set<Interpolation>(['lanczos', 'box']);

/** sd-scripts `resize_image`: area when both sides shrink or stay, Lanczos otherwise. */
function defaultInterpolation({ original, resized }: Geometry): Interpolation {
  return original.width >= resized.width && original.height >= resized.height ? 'area' : 'lanczos';
}

/** The size that imagesize reads. */
export function listedSize(
  { size, traits }: Pick<ImageInfo, 'size' | 'traits'>,
  webpSize: TrainerSettings['webpSize'],
): Size {
  const misread = webpSize === 'trainer' && traits.includes('webp-extended');
  // imagesize 1.4.1 takes the stored fields for the size, but the format stores each side less one.
  return misread ? { width: size.width - 1, height: size.height - 1 } : size;
}

function misread({ width, height }: Size): LatentCacheError {
  return new LatentCacheError(
    'ERR_IMAGE_TOO_SMALL',
    `The image of ${width}x${height} pixels cannot be used: the trainer reads a side of it as 0`,
    { remedy: 'Take the image out of the data set; the trainer stops on it.' },
  );
}


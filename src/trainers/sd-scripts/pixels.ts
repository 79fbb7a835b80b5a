/** sd-scripts' way from an image to its bucket. */
import type { BucketSelector, Size } from '../../dataset/bucket.js';
import { type Geometry, planGeometry } from '../../dataset/geometry.js';
import { LatentCacheError } from '../../errors.js';
import type { Interpolation } from '../../native/binding.js';
import { uprightSize } from '../../pixels/orient.js';
import { seenSize } from '../seen-size.js';
import type { TrainerSettings } from '../settings.js';
import type { ImageFacts, Resampling } from '../trainer.js';

/** @throws LatentCacheError `ERR_IMAGE_TOO_SMALL` */
export function planPixels(
  info: ImageFacts,
  listed: Size,
  buckets: BucketSelector,
  { interpolation, alphaMask, upright }: Pick<TrainerSettings, 'interpolation' | 'alphaMask' | 'upright'>,
): { readonly geometry: Geometry; readonly resampling: Resampling } {
  const size = seenSize(info, upright);
  if (listed.width < 1 || listed.height < 1) throw misread(size);
  const geometry = planGeometry(buckets, size, listed);
  const resampler = interpolation ?? defaultInterpolation(geometry);
  return {
    geometry,
    resampling: {
      upright,
      mirrored: false,
      interpolation: resampler,
      // With a mask, Pillow gets RGBA.
      premultiply: alphaMask && PILLOW.has(resampler),
    },
  };
}

/** Resamplers of Pillow, which weights colours with alpha. */
export const PILLOW: ReadonlySet<Interpolation> = new Set<Interpolation>(['lanczos', 'box']);

/** sd-scripts `resize_image`: area when both sides shrink or stay, Lanczos otherwise. */
export function defaultInterpolation({
  original,
  resized,
}: Pick<Geometry, 'original' | 'resized'>): Interpolation {
  return original.width >= resized.width && original.height >= resized.height ? 'area' : 'lanczos';
}

/** The size that imagesize reads, or that of the upright image: a cache's name tells the trainer the size. */
export function listedSize(
  { size, orientation, traits }: ImageFacts,
  { webpSize, upright }: Pick<TrainerSettings, 'webpSize' | 'upright'>,
): Size {
  if (upright && orientation !== 1) return uprightSize(size, orientation);
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

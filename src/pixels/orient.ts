import type { Size } from '../dataset/bucket.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import type { DecodedImage } from './decode.js';

/** Size of an image whose pixels are stored with an EXIF orientation, once it is upright. */
export function uprightSize({ width, height }: Size, orientation: number): Size {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** Mirroring left to right after an orientation is the orientation at the same place here. */
const MIRRORED = [2, 1, 4, 3, 6, 5, 8, 7];

/** The orientation that stands for turning upright and then mirroring left to right. */
export function mirroredOrientation(orientation: number): number {
  return MIRRORED[orientation - 1]!;
}

/**
 * Turns decoded pixels upright, exactly; the same object where orientation is 1.
 *
 * @param orientation 1 to 8, as in ImageInfo
 */
export async function turnUpright(
  image: DecodedImage,
  orientation: number,
  binding: Pick<NativeBinding, 'orient'> = loadBinding(),
): Promise<DecodedImage> {
  if (orientation === 1) return image;
  const { data, size, channels } = image;
  const turned = Buffer.allocUnsafeSlow(data.length);
  await binding.orient(data, { ...size, channels, orientation }, turned);
  return { ...image, data: turned, size: uprightSize(size, orientation) };
}

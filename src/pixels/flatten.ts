import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import type { Colour } from './colour.js';
import type { DecodedImage } from './decode.js';

/**
 * Puts an image over an opaque colour, with the bytes of Pillow's `Image.alpha_composite`; the same object where it has
 * no alpha.
 */
export function flattenOn(
  image: DecodedImage,
  colour: Colour,
  binding?: Pick<NativeBinding, 'flatten'>,
): Promise<DecodedImage> {
  return toRgb(image, Uint8Array.from(colour), binding);
}

/** Drops alpha: what hides under transparent pixels shows. The same object where it has none. */
export function dropAlpha(
  image: DecodedImage,
  binding?: Pick<NativeBinding, 'flatten'>,
): Promise<DecodedImage> {
  return toRgb(image, null, binding);
}

async function toRgb(
  image: DecodedImage,
  background: Uint8Array | null,
  binding: Pick<NativeBinding, 'flatten'> = loadBinding(),
): Promise<DecodedImage> {
  if (image.channels === 3) return image;
  const rgb = Buffer.allocUnsafeSlow((image.data.length / 4) * 3);
  await binding.flatten(image.data, background, rgb);
  return { ...image, data: rgb, channels: 3 };
}

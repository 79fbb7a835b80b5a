import type { Size } from '../dataset/bucket.js';
import { uprightSize } from '../pixels/orient.js';
import type { ImageFacts } from './trainer.js';

/** The size of an image as its latents show it: stored, or turned upright. */
export function seenSize(
  { size, orientation }: Pick<ImageFacts, 'size' | 'orientation'>,
  upright: boolean,
): Size {
  return upright ? uprightSize(size, orientation) : size;
}

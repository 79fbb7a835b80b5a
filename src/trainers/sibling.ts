import type { Size } from '../dataset/bucket.js';
import { sameSize } from '../dataset/size.js';
import type { InTheWay, NamedImages } from './trainer.js';

/**
 * A cache of an image that has another size now, where names have the size and the trainer goes by it.
 *
 * @param parsed what the name of an existing file says; undefined for other names
 */
export function findSibling(
  parsed: { readonly stem: string; readonly original: Size } | undefined,
  images: NamedImages,
): InTheWay {
  if (parsed === undefined) return undefined;
  const sizes = images.sizesOf(parsed.stem);
  if (sizes.length === 0 || sizes.some((size) => sameSize(size, parsed.original))) return undefined;
  return { base: parsed.stem, kind: 'sibling' };
}

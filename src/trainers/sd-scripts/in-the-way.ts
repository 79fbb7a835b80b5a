import { sameSize } from '../../dataset/size.js';
import type { InTheWay, NamedImages } from '../trainer.js';
import { type CacheNaming, cachePath, parseCacheName } from './files.js';

/**
 * Whether an existing `.npz` is in the way of the cache of an image (cache format note 1.1, traps 2 and 4).
 *
 * @param name of a file in an output folder
 * @returns the image whose cache it is in the way of; undefined when it is in no way, or the cache itself
 */
export function findInTheWay(name: string, images: NamedImages, naming: CacheNaming): InTheWay {
  const sized = parseCacheName(name, naming.suffix);
  const size = sized && images.sizesOf(sized.base).at(-1);
  if (sized !== undefined && size !== undefined) {
    if (name === cachePath(`${sized.base}.png`, size, naming)) return undefined;
    // Beside an old-style cache, one of the right size is unread but does no harm.
    if (naming.legacyName && sameSize(sized.size, size)) return undefined;
    return { base: sized.base, kind: 'sibling' };
  }
  const base = name.slice(0, -'.npz'.length);
  const readsFirst = naming.readsLegacy && !naming.legacyName;
  return readsFirst && images.sizesOf(base).length > 0 ? { base, kind: 'shadow' } : undefined;
}

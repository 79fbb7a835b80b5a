/**
 * sd-scripts takes the sizes of a folder's images from the names of their caches instead of opening the images, and
 * matches the two by the beginning of the name (`load_dreambooth_dir` in `library/train_util.py`). `photo.png` and
 * `photo_1.png` can get each other's size that way. This is the same walk, to tell the user beforehand.
 */
import path from 'node:path';
import type { Size } from '../../dataset/bucket.js';
import { withoutExtension } from '../../dataset/image-names.js';
import { compareCodePoints, nameOrder } from '../../dataset/name-order.js';

/**
 * @param imageNames all image files of one folder, in the order of code points
 * @param cacheNames names of the folder's files that end in `_{suffix}.npz`
 * @param visit is told the size that the trainer takes, for each image that it finds a cache name for
 */
export function walkNames(
  imageNames: readonly string[],
  cacheNames: readonly string[],
  visit: (image: number, size: Size) => void,
): void {
  const keys = cacheNames.map(keyOf);
  const compare = nameOrder(keys);
  const order = Uint32Array.from(keys, (_, index) => index).sort((a, b) => compare(keys[a]!, keys[b]!));
  let next = 0;
  for (const [index, image] of imageNames.entries()) {
    const base = withoutExtension(image);
    // The pointer never goes back, and stays on a match: the next image may match it too.
    for (; next < order.length; next++) {
      const name = cacheNames[order[next]!]!;
      if (name.startsWith(base)) {
        const size = sizeIn(name);
        if (size !== undefined) visit(index, size);
        break;
      }
      if (compareCodePoints(name, base) > 0) break;
    }
  }
}

/** glob patterns in the folder's own path are not escaped there, so that no cache is found at all. */
export function isPassDisabled(folder: string): boolean {
  return /[[*?]/.test(path.resolve(folder));
}

/** The last but one part between underscores, as the trainer splits it. */
function sizeIn(name: string): Size | undefined {
  const match = /^(\d+)x(\d+)$/.exec(name.split('_').at(-2) ?? '');
  return match === null ? undefined : { width: Number(match[1]), height: Number(match[2]) };
}

/** The name without its last two parts between underscores. */
function keyOf(name: string): string {
  const last = name.lastIndexOf('_');
  return name.slice(0, Math.max(0, name.lastIndexOf('_', last - 1)));
}

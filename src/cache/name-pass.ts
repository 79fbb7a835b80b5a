/**
 * sd-scripts takes the sizes of a folder's images from the names of their caches instead of opening the images, and
 * matches the two by the beginning of the name (`load_dreambooth_dir` in `library/train_util.py`). `photo.png` and
 * `photo_1.png` can get each other's size that way. This is the same walk, to tell the user beforehand.
 */
import path from 'node:path';
import type { Size } from '../dataset/bucket.js';
import { withoutExtension } from '../dataset/image-names.js';

/**
 * @param imageNames all image files of one folder
 * @param cacheNames names of the folder's files that end in `_{suffix}.npz`
 * @returns the size that the trainer takes, for each image that it finds a cache name for
 */
export function sizesByName(imageNames: readonly string[], cacheNames: readonly string[]): Map<string, Size> {
  const caches = cacheNames
    .map((name) => ({ name, key: name.split('_').slice(0, -2).join('_') }))
    .sort((a, b) => compareCodePoints(a.key, b.key));
  const sizes = new Map<string, Size>();
  let next = 0;
  for (const image of [...imageNames].sort(compareCodePoints)) {
    const base = withoutExtension(image);
    // The pointer never goes back, and stays on a match: the next image may match it too.
    for (; next < caches.length; next++) {
      const { name } = caches[next]!;
      if (name.startsWith(base)) {
        const size = sizeIn(name);
        if (size !== undefined) sizes.set(image, size);
        break;
      }
      if (compareCodePoints(name, base) > 0) break;
    }
  }
  return sizes;
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

/** Python's order of strings. JavaScript's differs beyond U+FFFF; UTF-8 bytes do not. */
function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

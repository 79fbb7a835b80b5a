import { isImageName, withoutExtension } from '../image-names.js';
import { compareCodePoints } from '../name-order.js';
import type { ListedImage } from './types.js';

/** The images of a list that lie in a folder, and those that do not. */
export interface MatchedImages {
  /** With the names of the files, in the order of the list, each file once. */
  readonly found: readonly ListedImage[];
  readonly missing: readonly ListedImage[];
}

/**
 * Finds the files of a list's images. A name that is no image's stands for the first image of that name with an extension:
 * sd-scripts' tools write metadata so.
 *
 * @param names all images of the folder
 */
export function matchListedImages(listed: readonly ListedImage[], names: readonly string[]): MatchedImages {
  const files = new Set(names);
  const byStem = new Map<string, string>();
  for (const name of names) {
    const stem = withoutExtension(name);
    const other = byStem.get(stem);
    if (other === undefined || compareCodePoints(name, other) < 0) byStem.set(stem, name);
  }
  const found = new Map<string, ListedImage>();
  const missing: ListedImage[] = [];
  for (const image of listed) {
    const file = files.has(image.name)
      ? image.name
      : isImageName(image.name)
        ? undefined
        : byStem.get(image.name);
    if (file === undefined) missing.push(image);
    else if (!found.has(file)) found.set(file, { ...image, name: file });
  }
  return { found: [...found.values()], missing };
}

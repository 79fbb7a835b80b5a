/** The image that a cache is of, and whether it still is. */
import path from 'node:path';
import type { ProvenanceRecord } from '../cache/provenance.js';
import type { Size } from '../dataset/bucket.js';
import { hashImage } from '../dataset/hash-image.js';
import { type ImageInfo, inspectImage } from '../dataset/inspect-image.js';
import { sameSize, sizeName } from '../dataset/size.js';
import { LatentCacheError } from '../errors.js';
import { stateAt } from '../manifest/file-state.js';
import type { NativeBinding } from '../native/binding.js';
import { uprightSize } from '../pixels/orient.js';
import { CACHE_FOLDER } from '../trainers/ai-toolkit/files.js';

const ENDINGS = ['.png', '.jpg', '.jpeg', '.webp', '.bmp', '.avif', '.jxl'].flatMap((ending) => [
  ending,
  ending.toUpperCase(),
]);

/** The folder of the images of a cache that lies where its trainer looks for it. */
export function imageFolderOf(file: string): string {
  const folder = path.dirname(file);
  return path.basename(path.resolve(folder)) === CACHE_FOLDER ? path.join(folder, '..') : folder;
}

/**
 * Paths of the images that a cache may be of: several when they differ in their ending only.
 *
 * @param fileName the image's name where the cache says it
 */
export async function findImagesOf(
  folder: string,
  stem: string,
  fileName: string | undefined,
  binding: Pick<NativeBinding, 'statFiles'>,
): Promise<string[]> {
  // A file cannot say that its image is elsewhere.
  const isName = fileName !== undefined && path.basename(fileName) === fileName;
  const names = isName ? [fileName] : ENDINGS.map((ending) => stem + ending);
  const paths = names.map((name) => path.join(folder, name));
  const states = await binding.statFiles(paths);
  return paths.filter((_, index) => stateAt(states, index) !== undefined);
}

export interface InspectedImage {
  readonly path: string;
  /**
   * `same`: what was encoded, by its hash. `fits`: the sizes agree; nothing says what was encoded. `changed`: another
   * content. `other-size`: of another size than the cache says. `unreadable`, `ambiguous`: several have its name.
   */
  readonly state: 'same' | 'fits' | 'changed' | 'other-size' | 'unreadable' | 'ambiguous';
  /** In words. */
  readonly explanation: string;
}

/** What a cache says of its image. */
export interface ImageClaims {
  /** All sizes that it says; several resolutions of one image have the same. */
  readonly sizes: readonly Size[];
  readonly records: readonly ProvenanceRecord[];
}

export async function compareImage(
  [first, second]: readonly string[],
  claims: ImageClaims,
  binding: Pick<NativeBinding, 'inspectFile'>,
): Promise<InspectedImage | null> {
  if (first === undefined) return null;
  if (second !== undefined) {
    return { path: first, state: 'ambiguous', explanation: `${first} and ${second} have its name` };
  }
  try {
    const info = await inspectImage(first, Number.POSITIVE_INFINITY, binding);
    return { path: first, ...(await judge(first, info, claims)) };
  } catch (error) {
    if (!(error instanceof LatentCacheError)) throw error;
    return { path: first, state: 'unreadable', explanation: error.message };
  }
}

async function judge(
  file: string,
  info: ImageInfo,
  { sizes, records }: ImageClaims,
): Promise<Omit<InspectedImage, 'path'>> {
  const other = sizes.find((size) => !takenSizes(info).some((taken) => sameSize(taken, size)));
  if (other !== undefined) {
    const explanation = `the cache is of an image of ${sizeName(other)} pixels, this one has ${sizeName(info.size)}`;
    return { state: 'other-size', explanation };
  }
  if (records.length === 0) {
    return { state: 'fits', explanation: 'its size fits; the cache has no record of what was encoded' };
  }
  // The whole image is read only where its size says nothing yet.
  const isOther = records.some(({ source }) => source.bytes !== info.bytes);
  const sha256 = isOther ? undefined : await hashImage(file);
  if (records.every(({ source }) => source.sha256 === sha256))
    return { state: 'same', explanation: 'it is the image that was encoded, to the byte' };
  return { state: 'changed', explanation: 'it has changed since it was encoded' };
}

/** As stored, as upright, and as sd-scripts' imagesize reads WebP files with an extended header. */
export function takenSizes({ size, orientation, traits }: ImageInfo): Size[] {
  const sizes = [size, uprightSize(size, orientation)];
  if (traits.includes('webp-extended')) sizes.push({ width: size.width - 1, height: size.height - 1 });
  return sizes;
}

import path from 'node:path';
import type { Size } from '../dataset/bucket.js';
import type { FoundImage } from '../dataset/find-images.js';
import type { ImageInfo, ImageTrait, StoredPixels } from '../dataset/inspect-image.js';
import type { ImageFolder } from '../dataset/list-folders.js';
import type { FileState } from '../manifest/file-state.js';
import type { ControlImage } from './control-images.js';

const STORED: readonly StoredPixels[] = ['rgb', 'cmyk', 'grey16', 'bmp'];
const TRAITS: readonly ImageTrait[] = [
  'exif-orientation',
  'icc-profile',
  'transparency',
  'cmyk',
  '16-bit',
  'webp-extended',
  'rgba',
];

const ORIENTATION_SHIFT = 2 + TRAITS.length;

/**
 * The images of a run and what their headers say, in some fifty bytes each besides the name: a million of them are objects
 * only while they are worked on. An image is a number, in the order of the folders and of the names in them.
 */
export class ImageTable {
  readonly folders: readonly ImageFolder[];
  readonly length: number;
  /** Number of the first image of each folder, and of none in the end. */
  readonly #starts: readonly number[];
  /** What a name in a folder follows, as `path.join` has it. */
  readonly #prefixes: readonly string[];
  readonly #width: Uint32Array;
  readonly #height: Uint32Array;
  readonly #bytes: Float64Array;
  readonly #modified: BigInt64Array;
  readonly #changed: BigInt64Array;
  /** Index in STORED, a bit for each trait above it, the orientation less one above those. */
  readonly #look: Uint16Array;
  /** Only of images that are to be encoded, in data sets that have them. */
  readonly #controls = new Map<number, readonly ControlImage[]>();

  constructor(folders: readonly ImageFolder[]) {
    this.folders = folders;
    const starts = [0];
    for (const { images } of folders) starts.push(starts.at(-1)! + images.length);
    this.#starts = starts;
    this.#prefixes = folders.map((folder) => path.join(folder.path, 'x').slice(0, -1));
    this.length = starts.at(-1)!;
    this.#width = new Uint32Array(this.length);
    this.#height = new Uint32Array(this.length);
    this.#bytes = new Float64Array(this.length);
    this.#modified = new BigInt64Array(this.length);
    this.#changed = new BigInt64Array(this.length);
    this.#look = new Uint16Array(this.length);
  }

  /** Number of the first image of a folder. */
  start(folder: number): number {
    return this.#starts[folder]!;
  }

  path(image: number): string {
    const index = this.#folderOf(image);
    return this.#prefixes[index]! + this.folders[index]!.images[image - this.#starts[index]!]!;
  }

  image(image: number): FoundImage {
    const index = this.#folderOf(image);
    const { root, inside, images, sizes, controls } = this.folders[index]!;
    const name = images[image - this.#starts[index]!]!;
    const found = {
      root,
      path: this.#prefixes[index] + name,
      relativePath: inside === '' ? name : `${inside}/${name}`,
    };
    if (sizes === undefined && controls === undefined) return found;
    return { ...found, listed: sizes?.get(name), controls: controls?.get(name) };
  }

  /** The size that a list of images says it has. */
  listed(image: number): Size | undefined {
    const index = this.#folderOf(image);
    const { images, sizes } = this.folders[index]!;
    return sizes?.get(images[image - this.#starts[index]!]!);
  }

  set(image: number, { size, stored, orientation, traits }: ImageInfo, state: FileState): void {
    this.#width[image] = size.width;
    this.#height[image] = size.height;
    this.#bytes[image] = state.bytes;
    this.#modified[image] = state.modified;
    this.#changed[image] = state.changed;
    let look = STORED.indexOf(stored) | ((orientation - 1) << ORIENTATION_SHIFT);
    for (const trait of traits) look |= 4 << TRAITS.indexOf(trait);
    this.#look[image] = look;
  }

  /** @param controls the control images of an image, as they were looked at */
  setControls(image: number, controls: readonly ControlImage[]): void {
    this.#controls.set(image, controls);
  }

  /** Empty where they were not looked at. */
  controls(image: number): readonly ControlImage[] {
    return this.#controls.get(image) ?? [];
  }

  info(image: number): ImageInfo {
    const look = this.#look[image]!;
    return {
      size: { width: this.#width[image]!, height: this.#height[image]! },
      bytes: this.#bytes[image]!,
      stored: STORED[look & 3]!,
      orientation: (look >> ORIENTATION_SHIFT) + 1,
      traits: TRAITS.filter((_, index) => look & (4 << index)),
    };
  }

  state(image: number): FileState {
    return {
      bytes: this.#bytes[image]!,
      modified: this.#modified[image]!,
      changed: this.#changed[image]!,
    };
  }

  #folderOf(image: number): number {
    let low = 0;
    let high = this.folders.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= image) low = middle;
      else high = middle;
    }
    return low;
  }
}

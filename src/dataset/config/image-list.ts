import path from 'node:path';
import type { Size } from '../bucket.js';
import { type Findings, refuseConfig } from './findings.js';
import { MAX_LISTED_FOLDERS, MAX_LISTED_IMAGES } from './limits.js';
import type { ListedImage } from './types.js';
import { isPathText, shorten } from './values.js';

/** Images of a list by the folders that they lie in, both in the order of the list. An image that comes twice counts as listed last. */
export class ImageList {
  readonly folders = new Map<string, Map<string, ListedImage>>();
  private readonly file: string;
  private readonly findings: Findings;

  constructor(file: string, findings: Findings) {
    this.file = file;
    this.findings = findings;
  }

  /**
   * @param image path from the current folder, or absolute
   * @param facts what the list says of it besides
   * @throws LatentCacheError `ERR_DATASET_CONFIG` for what cannot be a file, and beyond the limits
   */
  add(image: string, facts: Omit<ListedImage, 'name'>): void {
    const name = path.basename(image);
    if (!isPathText(image) || image.endsWith('/') || ['', '.', '..'].includes(name)) {
      refuseConfig(
        this.file,
        `'${shorten(image)}' names no file`,
        'Correct the path of the image in the list.',
      );
    }
    const folder = path.dirname(image);
    let images = this.folders.get(folder);
    if (images === undefined) {
      images = new Map();
      this.folders.set(folder, images);
      this.findings.listedFolders++;
    }
    images.set(name, { name, ...facts });
    this.findings.listedImages++;
    if (this.findings.listedImages > MAX_LISTED_IMAGES || this.findings.listedFolders > MAX_LISTED_FOLDERS) {
      refuseConfig(
        this.file,
        `more than ${MAX_LISTED_IMAGES} images or ${MAX_LISTED_FOLDERS} folders are listed in all`,
        'Split the config or the list.',
      );
    }
  }
}

/** `[width, height]` of a list, in pixels. */
export function listedSize(value: unknown): Size | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [width, height] = value;
  const isSide = (side: unknown) => Number.isSafeInteger(side) && (side as number) > 0;
  return isSide(width) && isSide(height) ? { width, height } : undefined;
}

/** Which images ai-toolkit takes (`AiToolkitDataset` in `toolkit/data_loader.py`). A caption is not needed: it is ''. */

const IMAGE_ENDINGS = ['.jpg', '.jpeg', '.png', '.webp'];

/** Where it keeps the sizes of a data set's images, by path, file size and time; in the data set's root. */
export const SIZE_DATABASE_NAME = '.aitk_size.json';

/** Images in a folder of this name are control images, at whatever depth it lies. */
const CONTROL_FOLDER = '_controls';

/** A known ending in any case of letters, and no leading dot. */
export function isImageName(name: string): boolean {
  const lower = name.toLowerCase();
  return !name.startsWith('.') && IMAGE_ENDINGS.some((ending) => lower.endsWith(ending));
}

/** Sub-folders are listed at every depth, but for hidden ones and links to folders. */
export function isSubFolder(name: string, isLink: boolean): boolean {
  return !name.startsWith('.') && !isLink;
}

/** Whether images directly in a folder of this name are trained on; its sub-folders are listed either way. */
export function isImageFolder(name: string): boolean {
  return name !== CONTROL_FOLDER;
}

export interface Flip {
  readonly flipX: boolean;
  readonly flipY: boolean;
}

/** The items that `flip_x` and `flip_y` of a data set make of each image; each has a cache of its own. */
export function flipsOf({ flipX, flipY }: Flip): Flip[] {
  const plain = { flipX: false, flipY: false };
  const columns = flipX ? [plain, { ...plain, flipX: true }] : [plain];
  return flipY ? [...columns, ...columns.map((flip) => ({ ...flip, flipY: true }))] : columns;
}

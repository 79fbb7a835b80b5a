import path from 'node:path';
import type { Size } from './bucket.js';
import type { ControlFiles } from './control-files.js';
import { listImageFolders } from './list-folders.js';

/** One file that the trainer would take for an image. */
export interface FoundImage {
  /** The folder that was asked for. */
  readonly root: string;
  /** Path as the user would write it: the given folder joined with the path inside it. */
  readonly path: string;
  /** Path inside the folder that was asked for, with forward slashes: stable when the folder moves. */
  readonly relativePath: string;
  /** The size that a list of images says it has. */
  readonly listed?: Size | undefined;
  /** Paths of its control images, where it has a data set with such. */
  readonly controls?: ControlFiles | undefined;
}

/**
 * Lists the images of each folder in the order of their paths; with `recursive` also those of its sub-folders.
 * A file reached twice (a folder given twice, or one inside another) is listed once.
 *
 * @throws LatentCacheError `ERR_NO_INPUT` when a folder does not exist, is no folder or cannot be read.
 */
export async function findImages(
  folders: readonly string[],
  options: { readonly recursive: boolean },
): Promise<FoundImage[]> {
  const listed = await listImageFolders(folders, options);
  return listed.flatMap((folder) =>
    folder.images.map((name) => ({
      root: folder.root,
      path: path.join(folder.path, name),
      relativePath: folder.inside === '' ? name : `${folder.inside}/${name}`,
    })),
  );
}

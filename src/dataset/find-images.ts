import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { LatentCacheError, systemErrorCode } from '../errors.js';

/** One file that the trainer would take for an image. */
export interface FoundImage {
  /** Path as the user would write it: the given folder joined with the path inside it. */
  readonly path: string;
  /** Path inside the folder that was asked for, with forward slashes: stable when the folder moves. */
  readonly relativePath: string;
}

/** sd-scripts' IMAGE_EXTENSIONS: all lower or all upper case, so `a.Png` does not count. */
const BASE_EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp', '.bmp', '.avif', '.jxl'];
const IMAGE_EXTENSIONS = new Set(
  BASE_EXTENSIONS.flatMap((extension) => [extension, extension.toUpperCase()]),
);

/** True for a name that sd-scripts' glob takes: a known extension, and no leading dot. */
export function isImageName(name: string): boolean {
  return !name.startsWith('.') && IMAGE_EXTENSIONS.has(extensionOf(name));
}

/** The last extension with its dot, as Python's `os.path.splitext` splits it; '' when there is none. */
export function extensionOf(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  // splitext ignores leading dots: ".png" and "...png" have no extension.
  return dot <= 0 || /^\.+$/.test(base.slice(0, dot)) ? '' : base.slice(dot);
}

/** `a/b.c.png` → `a/b.c`. */
export function withoutExtension(file: string): string {
  const extension = extensionOf(file);
  return extension === '' ? file : file.slice(0, -extension.length);
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
  const images: FoundImage[] = [];
  const seenFolders = new Set<string>();

  const walk = async (root: string, inside: string): Promise<void> => {
    const folder = inside === '' ? root : path.join(root, inside);
    const { entries, identity } = await listFolder(folder);
    if (seenFolders.has(identity)) return;
    seenFolders.add(identity);

    const subFolders: string[] = [];
    for (const entry of entries) {
      const relative = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (isImageName(entry.name)) {
        images.push({ path: path.join(folder, entry.name), relativePath: relative });
      }
      if (options.recursive && !entry.name.startsWith('.') && (await isFolder(entry, folder))) {
        subFolders.push(relative);
      }
    }
    for (const subFolder of subFolders) await walk(root, subFolder);
  };

  for (const folder of folders) await walk(folder, '');
  return images;
}

/**
 * A folder's entries in the order of their names, and its real path.
 *
 * @throws LatentCacheError `ERR_NO_INPUT`
 */
export async function listFolder(folder: string): Promise<{ entries: Dirent[]; identity: string }> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return { entries, identity: await realpath(folder) };
  } catch (cause) {
    const reason =
      { ENOENT: 'it does not exist', ENOTDIR: 'it is not a folder', EACCES: 'it may not be read' }[
        systemErrorCode(cause) ?? ''
      ] ?? String(cause);
    throw new LatentCacheError('ERR_NO_INPUT', `Cannot list the image folder ${folder}: ${reason}`, {
      path: folder,
      remedy: 'Give the folder that holds the images.',
      cause,
    });
  }
}

/** Whether an entry is a folder, or a link to one. */
export async function isFolder(entry: Dirent, folder: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return (await stat(path.join(folder, entry.name))).isDirectory();
  } catch {
    return false; // a broken link is no folder
  }
}

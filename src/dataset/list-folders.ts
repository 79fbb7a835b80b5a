import { opendir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { cannotList, isFolder } from './folder-entries.js';
import { isImageName } from './image-names.js';
import { sortByCodePoints } from './name-order.js';

/** One folder with images, as it was listed once. */
export interface ImageFolder {
  /** The folder that was asked for. */
  readonly root: string;
  /** The place inside it, with forward slashes; '' for the root itself. */
  readonly inside: string;
  /** Path as the user would write it. */
  readonly path: string;
  /** Names of its images, in the order of code points. */
  readonly images: readonly string[];
  /** Its other names that `keep` asked for. Whoever takes them may empty the list: they can be a million. */
  readonly others: string[];
}

export interface ListOptions {
  readonly recursive: boolean;
  /** Names to be listed besides images. */
  readonly keep?: (name: string) => boolean;
}

/** Entries read in one step: a folder of a million must not be a million objects. */
const ENTRIES = 2048;

/**
 * Lists folders in the order that was asked for, each before its sub-folders; with `recursive` those as well. A folder that
 * is reached twice (given twice, inside another, or through a link) is listed once.
 *
 * @throws LatentCacheError `ERR_NO_INPUT` when a folder does not exist, is no folder or cannot be read.
 */
export async function listImageFolders(
  roots: readonly string[],
  { recursive, keep = () => false }: ListOptions,
): Promise<ImageFolder[]> {
  const folders: ImageFolder[] = [];
  const seen = new Set<string>();
  const walk = async (root: string, inside: string): Promise<void> => {
    const folder = inside === '' ? root : path.join(root, inside);
    const { images, others, subFolders, identity } = await listFolder(folder, recursive, keep);
    if (seen.has(identity)) return;
    seen.add(identity);
    folders.push({ root, inside, path: folder, images, others });
    for (const name of subFolders) await walk(root, inside === '' ? name : `${inside}/${name}`);
  };
  for (const root of roots) await walk(root, '');
  return folders;
}

async function listFolder(folder: string, recursive: boolean, keep: (name: string) => boolean) {
  const images: string[] = [];
  const others: string[] = [];
  const subFolders: string[] = [];
  try {
    for await (const entry of await opendir(folder, { bufferSize: ENTRIES })) {
      const { name } = entry;
      if (isImageName(name)) images.push(name);
      else if (keep(name)) others.push(name);
      if (recursive && !name.startsWith('.') && (await isFolder(entry, folder))) subFolders.push(name);
    }
    const identity = await realpath(folder);
    return {
      images: sortByCodePoints(images),
      others: sortByCodePoints(others),
      subFolders: sortByCodePoints(subFolders),
      identity,
    };
  } catch (cause) {
    throw cannotList(folder, cause);
  }
}

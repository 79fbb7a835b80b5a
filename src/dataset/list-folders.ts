import type { Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { LatentCacheError, systemErrorCode } from '../errors.js';
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
  /** Its other names that `keep` asked for. */
  readonly others: readonly string[];
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

async function isFolder(entry: Dirent, folder: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return (await stat(path.join(folder, entry.name))).isDirectory();
  } catch {
    return false; // a broken link is no folder
  }
}

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { LatentCacheError, systemErrorCode } from '../errors.js';

/**
 * A folder's entries in the order of their names, and its real path.
 *
 * @throws LatentCacheError `ERR_NO_INPUT`
 */
export async function readFolder(folder: string): Promise<{ entries: Dirent[]; identity: string }> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return { entries, identity: await realpath(folder) };
  } catch (cause) {
    throw cannotList(folder, cause);
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

export function cannotList(folder: string, cause: unknown): LatentCacheError {
  const reason =
    { ENOENT: 'it does not exist', ENOTDIR: 'it is not a folder', EACCES: 'it may not be read' }[
      systemErrorCode(cause) ?? ''
    ] ?? String(cause);
  return new LatentCacheError('ERR_NO_INPUT', `Cannot list the image folder ${folder}: ${reason}`, {
    path: folder,
    remedy: 'Give the folder that holds the images.',
    cause,
  });
}

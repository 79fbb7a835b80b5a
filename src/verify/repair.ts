import { unlink } from 'node:fs/promises';
import { writeError } from '../cache/atomic-file.js';
import { systemErrorCode } from '../errors.js';
import { FolderLocks } from '../manifest/folder-locks.js';
import { walkFolders } from './folders.js';
import type { VerifySettings } from './options.js';
import { type FileReport, fileState } from './verify-file.js';

/**
 * Keeps builds out of the folders while files are removed.
 *
 * @throws LatentCacheError `ERR_NO_INPUT`, `ERR_FOLDER_LOCKED` and what else `FolderLocks.take` throws
 */
export async function lockFolders(settings: VerifySettings): Promise<FolderLocks> {
  const { inputs, outDir, recursive, binding } = settings;
  const folders: string[] = [];
  for await (const folder of walkFolders(settings)) if (!('error' in folder)) folders.push(folder.path);
  return FolderLocks.take(outDir === undefined ? inputs : [outDir], folders, recursive, binding);
}

/**
 * Removes a cache of ours that is wrong by itself or against its image, unless it is another file by now: a build may
 * have replaced it.
 *
 * @returns whether it was removed
 * @throws LatentCacheError `ERR_OUTPUT_NOT_WRITABLE` or `ERR_CACHE_WRITE`
 */
export async function repairFile({ candidate, ours, findings, state }: FileReport): Promise<boolean> {
  const { path, removable } = candidate;
  if (!ours || !removable || !findings.some((finding) => finding.removable)) return false;
  const now = await fileState(path);
  if (now?.inode !== state.inode || now.bytes !== state.bytes || now.changedMs !== state.changedMs)
    return false;
  return removeFile(path);
}

/** @throws LatentCacheError as `repairFile` */
export async function removeFile(file: string): Promise<boolean> {
  try {
    await unlink(file);
    return true;
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return false;
    throw writeError(file, cause);
  }
}

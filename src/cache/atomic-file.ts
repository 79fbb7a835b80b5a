/** Files appear whole or not at all: temporary file in the same folder, fsync, rename. */
import { randomBytes } from 'node:crypto';
import { open, stat, statfs, unlink } from 'node:fs/promises';
import path from 'node:path';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';
import { OWNER_PATTERN, OWNER_TAG, ownerState } from './process-owner.js';

const TEMPORARY = new RegExp(`^\\.latent-cache-(${OWNER_PATTERN})-[0-9a-f]+\\.tmp$`);
/** A temporary file of another machine is taken for abandoned after this long. */
const FOREIGN_TEMPORARY_MS = 24 * 3600 * 1000;

function temporaryPath(folder: string): string {
  return path.join(folder, `.latent-cache-${OWNER_TAG}-${randomBytes(8).toString('hex')}.tmp`);
}

/**
 * Writes the pieces one after the other. Under `target` there is either what was there before or the whole new file.
 *
 * @throws LatentCacheError `ERR_DISK_FULL` with `bytesAsked` (of this file) and `bytesFree`, `ERR_OUTPUT_NOT_WRITABLE` or
 * `ERR_CACHE_WRITE`
 */
export async function writeFileAtomic(
  target: string,
  pieces: readonly Uint8Array[],
  files: Pick<NativeBinding, 'writeFileAtomic'>,
): Promise<void> {
  try {
    await files.writeFileAtomic(temporaryPath(path.dirname(target)), target, pieces);
  } catch (cause) {
    if (!isFull(cause)) throw writeError(target, cause);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    throw fullError(target, cause, { bytesAsked: bytes, bytesFree: await freeBytes(path.dirname(target)) });
  }
}

/**
 * Proves that a folder takes files, by making one.
 *
 * @throws LatentCacheError as `writeFileAtomic`
 */
export async function probeWritable(folder: string): Promise<void> {
  const temporary = temporaryPath(folder);
  try {
    await (await open(temporary, 'wx')).close();
    await unlink(temporary);
  } catch (cause) {
    throw writeError(folder, cause);
  }
}

/** Makes the renames in a folder durable. Best effort: some file systems refuse to open folders. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** Removes what a killed run left in a folder; files of a process that still runs are left alone. */
export async function removeAbandoned(folder: string, names: readonly string[]): Promise<void> {
  for await (const file of findAbandoned(folder, names)) await unlink(file).catch(() => {});
}

/** Paths of the temporary files that no running process owns. */
export async function* findAbandoned(folder: string, names: readonly string[]): AsyncGenerator<string> {
  for (const name of names) {
    const match = TEMPORARY.exec(name);
    if (match === null) continue;
    const file = path.join(folder, name);
    if (await isAbandoned(file, match[1]!)) yield file;
  }
}

async function isAbandoned(file: string, owner: string): Promise<boolean> {
  const state = ownerState(owner);
  if (state !== 'unknown') return state === 'gone';
  const age = await stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  return age > FOREIGN_TEMPORARY_MS;
}

function isFull(cause: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemErrorCode(cause) ?? '');
}

/** Bytes that this user may still write; a quota may allow less. undefined when the file system does not tell. */
async function freeBytes(folder: string): Promise<number | undefined> {
  return statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  );
}

function fullError(target: string, cause: unknown, bytes: SpaceNeeds = {}): LatentCacheError {
  return new LatentCacheError(
    'ERR_DISK_FULL',
    `No space left to write ${target}${missingText(cause, bytes)}`,
    {
      ...bytes,
      path: target,
      cause,
      remedy:
        'Free space or choose another --out-dir, then run the same command again: finished images are kept.',
    },
  );
}

interface SpaceNeeds {
  readonly bytesAsked?: number;
  readonly bytesFree?: number | undefined;
}

function missingText(cause: unknown, { bytesAsked, bytesFree }: SpaceNeeds): string {
  if (bytesAsked === undefined) return '';
  if (systemErrorCode(cause) === 'EDQUOT') return `: the quota has no room for its ${bytesAsked} bytes`;
  const needs = `: it needs ${bytesAsked} bytes`;
  if (bytesFree === undefined) return needs;
  const missing = bytesAsked - bytesFree;
  return missing > 0
    ? `${needs}, ${bytesFree} are free, ${missing} are missing`
    : `${needs}; ${bytesFree} are free by now`;
}

/** An error of the file system about a file or folder that is to be written. */
export function writeError(target: string, cause: unknown): LatentCacheError {
  if (isFull(cause)) return fullError(target, cause);
  const details = { path: target, cause };
  const text = cause instanceof Error ? cause.message : String(cause);
  switch (systemErrorCode(cause)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EEXIST':
      return new LatentCacheError('ERR_OUTPUT_NOT_WRITABLE', `Cannot write to ${target}: ${text}`, {
        ...details,
        remedy: 'Make the folder writable, or give another with --out-dir.',
      });
    default:
      return new LatentCacheError('ERR_CACHE_WRITE', `Writing ${target} failed: ${text}`, {
        ...details,
        remedy: 'Check the disk, then run the same command again: finished images are kept.',
      });
  }
}

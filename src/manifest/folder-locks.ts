/**
 * One run at a time in each folder. A run locks its roots first and looks for others above and below them then: of two that
 * begin at once, at least one sees the other.
 */
import { lstat, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { writeError } from '../cache/atomic-file.js';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';
import { stateAt } from './file-state.js';
import { LockFile, type LockOwner, lockHolder } from './lock-file.js';
import { MANIFEST_FOLDER } from './schema.js';

type Binding = Pick<NativeBinding, 'statFiles' | 'tryLockFile' | 'isFileLocked'>;

const LOCK_NAME = 'lock';
/** Paths in one look. */
const LOOK = 4096;

export class FolderLocks {
  readonly #held: LockFile[] = [];
  /** Real paths of the roots that are locked. */
  readonly #roots = new Set<string>();
  /** Roots that take no files, so that there is nothing to guard and no manifest to keep. */
  readonly readOnly: string[] = [];

  private constructor(private readonly binding: Binding) {}

  /**
   * Locks the roots, making their `.latent-cache` folders.
   *
   * @param folders all folders that the run writes to
   * @throws LatentCacheError `ERR_FOLDER_LOCKED`, `ERR_OUTPUT_OUTSIDE` (`.latent-cache` is a link), `ERR_DISK_FULL`,
   * `ERR_OUTPUT_NOT_WRITABLE`, `ERR_CACHE_WRITE`
   */
  static async take(
    roots: readonly string[],
    folders: Iterable<string>,
    recursive: boolean,
    binding: Binding,
  ): Promise<FolderLocks> {
    const locks = new FolderLocks(binding);
    try {
      for (const root of roots) await locks.#lock(root, recursive);
      for (const root of locks.#roots) await locks.#lookAbove(root);
      await locks.#lookBelow(folders);
      return locks;
    } catch (error) {
      await locks.release();
      throw error;
    }
  }

  async release(): Promise<void> {
    for (const lock of this.#held.splice(0)) await lock.release();
  }

  async #lock(root: string, recursive: boolean): Promise<void> {
    const folder = path.join(root, MANIFEST_FOLDER);
    const file = path.join(folder, LOCK_NAME);
    let lock: LockFile | Partial<LockOwner>;
    try {
      await mkdir(folder, { recursive: true });
      if (!(await lstat(folder)).isDirectory()) throw isLink(folder);
      const real = await realpath(root);
      if (this.#roots.has(real)) return;
      lock = await LockFile.take(file, recursive, this.binding);
      if (lock instanceof LockFile) this.#roots.add(real);
    } catch (error) {
      if (error instanceof LatentCacheError) throw error;
      const code = systemErrorCode(error);
      if (code === 'ELOOP') throw isLink(file);
      if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw writeError(folder, error);
      const holder = await lockHolder(file, this.binding);
      if (holder !== undefined) throw locked(root, holder);
      this.readOnly.push(root);
      return;
    }
    if (!(lock instanceof LockFile)) throw locked(root, lock);
    this.#held.push(lock);
  }

  async #lookAbove(root: string): Promise<void> {
    for (let folder = path.dirname(root); ; folder = path.dirname(folder)) {
      const holder = await this.#holderOf(folder);
      if (holder !== undefined && holder.recursive !== false) throw locked(folder, holder);
      if (folder === path.dirname(folder)) return;
    }
  }

  async #lookBelow(folders: Iterable<string>): Promise<void> {
    const all = [...folders];
    for (let at = 0; at < all.length; at += LOOK) {
      const some = all.slice(at, at + LOOK);
      const states = await this.binding.statFiles(some.map(lockPath));
      for (const [index, folder] of some.entries()) {
        if (stateAt(states, index) === undefined) continue;
        const holder = await this.#holderOf(await realpath(folder));
        if (holder !== undefined) throw locked(folder, holder);
      }
    }
  }

  /** @param folder its real path */
  async #holderOf(folder: string): Promise<Partial<LockOwner> | undefined> {
    return this.#roots.has(folder) ? undefined : lockHolder(lockPath(folder), this.binding);
  }
}

function lockPath(folder: string): string {
  return path.join(folder, MANIFEST_FOLDER, LOCK_NAME);
}

function locked(folder: string, { pid, host, started }: Partial<LockOwner>): LatentCacheError {
  const who = pid === undefined ? '' : ` (process ${pid} on ${host}, begun ${started})`;
  return new LatentCacheError('ERR_FOLDER_LOCKED', `Another run${who} is at work on ${folder}`, {
    path: folder,
    remedy: 'Wait until it is done, or end it; both keep what is finished.',
  });
}

function isLink(file: string): LatentCacheError {
  return new LatentCacheError('ERR_OUTPUT_OUTSIDE', `${file} is a link, which may lead out of its folder`, {
    path: file,
    remedy: 'Remove the link: its place is made anew.',
  });
}

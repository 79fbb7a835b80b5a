/**
 * A lock file: the system's own lock on it says whether it is held, and ends with its holder; what is written in it says
 * by whom. It is never removed, since a lock on a removed file guards nothing.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { OWNER_TAG, ownerState } from '../cache/process-owner.js';
import { systemErrorCode } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';

/** Who holds a lock, as the file tells it. */
export interface LockOwner {
  /** See `cache/process-owner.ts`. */
  readonly owner: string;
  readonly pid: number;
  readonly host: string;
  /** When the run began, ISO 8601. */
  readonly started: string;
  /** It works in sub-folders too. */
  readonly recursive: boolean;
}

export type LockFunctions = Pick<NativeBinding, 'tryLockFile' | 'isFileLocked'>;

const MAX_BYTES = 4096;

export class LockFile {
  private constructor(
    readonly path: string,
    readonly handle: FileHandle,
  ) {}

  /**
   * @returns the lock, or who has it; an empty owner when that one has not written its name yet
   * @throws what the file system throws, ELOOP for a link among it
   */
  static async take(
    path: string,
    recursive: boolean,
    binding: LockFunctions,
  ): Promise<LockFile | Partial<LockOwner>> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o666);
    try {
      const taken = !(await tryLock(handle, binding));
      if (taken) {
        const owner = await readOwner(handle);
        await handle.close();
        return owner;
      }
      const owner: LockOwner = {
        owner: OWNER_TAG,
        pid: process.pid,
        host: hostname(),
        started: new Date().toISOString(),
        recursive,
      };
      await handle.truncate();
      await handle.write(`${JSON.stringify(owner)}\n`, 0);
      return new LockFile(path, handle);
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
  }

  async release(): Promise<void> {
    await this.handle.truncate().catch(() => {}); // nobody reads it once the lock is gone
    await this.handle.close();
  }
}

/** Who holds a lock file; undefined when nobody does, or when it cannot be told. Takes nothing and writes nothing. */
export async function lockHolder(
  path: string,
  binding: LockFunctions,
): Promise<Partial<LockOwner> | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const held = await binding.isFileLocked(handle.fd).catch(async (error: unknown) => {
      if (!hasNoLocks(error)) throw error;
      return mayRun(await readOwner(handle));
    });
    return held ? await readOwner(handle) : undefined;
  } finally {
    await handle.close();
  }
}

async function tryLock(handle: FileHandle, binding: LockFunctions): Promise<boolean> {
  try {
    return await binding.tryLockFile(handle.fd);
  } catch (error) {
    if (!hasNoLocks(error)) throw error;
    return !mayRun(await readOwner(handle));
  }
}

/** Some network and user-space file systems. What is written in the file must do there. */
function hasNoLocks(error: unknown): boolean {
  return ['ENOLCK', 'ENOSYS', 'EOPNOTSUPP', 'EINVAL'].includes(systemErrorCode(error) ?? '');
}

/** A process of another machine may run for all that can be known here. */
function mayRun({ owner }: Partial<LockOwner>): boolean {
  return owner !== undefined && ownerState(owner) !== 'gone';
}

async function readOwner(handle: FileHandle): Promise<Partial<LockOwner>> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
  try {
    const owner: unknown = JSON.parse(buffer.toString('utf8', 0, bytesRead));
    return isOwner(owner) ? owner : {};
  } catch {
    return {};
  }
}

function isOwner(value: unknown): value is LockOwner {
  if (typeof value !== 'object' || value === null) return false;
  const { owner, pid, host, started, recursive } = value as Record<string, unknown>;
  return (
    [owner, host, started].every((text) => typeof text === 'string') &&
    Number.isSafeInteger(pid) &&
    typeof recursive === 'boolean'
  );
}

/**
 * A lock between processes, possibly on several machines: a file that its holder touches every few seconds. It saves
 * doing the same work twice and protects nothing: in a rare race two processes take over one abandoned lock.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, stat, unlink, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../../abort.js';
import { writeError } from '../../cache/atomic-file.js';
import { OWNER_TAG, ownerState } from '../../cache/process-owner.js';
import { systemErrorCode } from '../../errors.js';

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called each time that the lock was found taken. */
  readonly onWait?: () => void;
  /** Milliseconds. */
  readonly heartbeat?: number;
  readonly poll?: number;
  /** Without a sign of life for so long, the holder is taken for dead. */
  readonly stale?: number;
}

export interface FileLock {
  release(): Promise<void>;
}

/** @throws LatentCacheError ERR_ABORTED, ERR_DISK_FULL, ERR_OUTPUT_NOT_WRITABLE, ERR_CACHE_WRITE. */
export async function acquireLock(
  file: string,
  { signal, onWait, heartbeat = 2000, poll = 250, stale = 20_000 }: LockOptions = {},
): Promise<FileLock> {
  const token = `${OWNER_TAG}-${randomBytes(8).toString('hex')}`;
  while (!(await create(file, token))) {
    if (await removeStale(file, stale)) continue;
    onWait?.();
    await sleep(poll, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    throwIfAborted(signal, 'waiting for another process');
  }
  const timer = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {});
  }, heartbeat).unref();
  return {
    async release() {
      clearInterval(timer);
      if ((await readFile(file, 'utf8').catch(() => '')) === token) await unlink(file).catch(() => {});
    },
  };
}

async function create(file: string, token: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(token);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw writeError(file, error);
  }
}

/** Takes an abandoned lock out of the way. Renaming first means that of several waiters one succeeds. */
async function removeStale(file: string, stale: number): Promise<boolean> {
  const token = await readFile(file, 'utf8').catch(() => undefined);
  if (token === undefined) return true; // it was released just now
  if (!(await isStale(file, token, stale))) return false;
  const aside = `${file}.${randomBytes(8).toString('hex')}`;
  try {
    await rename(file, aside);
    await unlink(aside);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw writeError(file, error);
  }
  return true;
}

async function isStale(file: string, token: string, stale: number): Promise<boolean> {
  if (ownerState(token) === 'gone') return true;
  // also on this machine: a worker thread may have ended without its process
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > stale;
}

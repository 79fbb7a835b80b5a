/** Compiled engines on disk, shared by all processes of one user. One file is one engine; a rename makes it visible. */
import { readdir, rm, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { removeAbandoned, syncFolder, writeFileAtomic } from '../../cache/atomic-file.js';
import { OWNER_PATTERN, ownerState } from '../../cache/process-owner.js';
import { LatentCacheError } from '../../errors.js';
import type { NativeBinding, PlanLocation } from '../../native/binding.js';
import { loadBinding } from '../../native/load.js';
import { defaultEngineFolder, openEngineFolder } from './cache-folder.js';
import { type EngineRecord, fromHeader, toHeader } from './engine-record.js';
import { acquireLock, type FileLock, type LockOptions } from './file-lock.js';
import { readSealedFile, readSealedHeader, sealFile } from './sealed-file.js';

export interface EngineCacheOptions {
  /** Default: `$XDG_CACHE_HOME/latent-cache/engines`. */
  readonly folder?: string;
  /** Bytes of all engines together; the least recently used go first. Default 10 GiB. */
  readonly maximumBytes?: number;
  /** Replaces the native addon, for tests and embedders. */
  readonly binding?: Pick<NativeBinding, 'writeFileAtomic'>;
}

/** An engine that is ready to be loaded. */
export interface CachedEngine {
  readonly key: string;
  readonly record: EngineRecord;
  readonly plan: PlanLocation;
}

export interface EngineListing extends Pick<EngineRecord, 'description' | 'device' | 'runtime'> {
  readonly path: string;
  readonly bytes: number;
  readonly lastUsed: Date;
}

const EXTENSION = '.engine';
const DEFAULT_MAXIMUM_BYTES = 10 * 2 ** 30;
const WORK_FOLDER = new RegExp(`^\\.build-(${OWNER_PATTERN})-`);

export class EngineCache {
  readonly #maximumBytes: number;
  readonly #files: Pick<NativeBinding, 'writeFileAtomic'>;

  private constructor(
    readonly folder: string,
    options: EngineCacheOptions,
  ) {
    this.#maximumBytes = options.maximumBytes ?? DEFAULT_MAXIMUM_BYTES;
    this.#files = options.binding ?? loadBinding();
  }

  /**
   * Makes the folder when it is missing, and removes from it what killed processes left.
   *
   * @throws LatentCacheError (as rejection) ERR_OPTION (others may write to the folder), ERR_OUTPUT_NOT_WRITABLE,
   * ERR_DISK_FULL, ERR_ADDON_MISSING.
   */
  static async open(options: EngineCacheOptions = {}): Promise<EngineCache> {
    const folder = path.resolve(options.folder ?? defaultEngineFolder());
    await openEngineFolder(folder);
    const cache = new EngineCache(folder, options);
    await cache.#removeLeftovers();
    return cache;
  }

  /** The engine of this key, and marks it as used. Files that are damaged or not engines are removed. */
  async find(key: string): Promise<CachedEngine | undefined> {
    const file = this.#path(key);
    const sealed = await readSealedFile(file);
    const record = sealed === undefined ? undefined : fromHeader(sealed.header, key);
    if (sealed === undefined || record === undefined) {
      await unlink(file).catch(() => {});
      return undefined;
    }
    const now = new Date();
    await utimes(file, now, now).catch(() => {});
    return { key, record, plan: { path: file, offset: sealed.payloadOffset, bytes: sealed.payloadBytes } };
  }

  /**
   * Stores an engine, then makes room by removing others.
   *
   * @throws LatentCacheError (as rejection) ERR_DISK_FULL, ERR_OUTPUT_NOT_WRITABLE, ERR_CACHE_WRITE.
   */
  async store(key: string, record: EngineRecord, plan: Uint8Array): Promise<CachedEngine> {
    const file = this.#path(key);
    const pieces = sealFile(toHeader(record, key), plan);
    await writeFileAtomic(file, pieces, this.#files);
    await syncFolder(this.folder);
    await this.#makeRoom(file);
    return { key, record, plan: { path: file, offset: pieces[0]!.byteLength, bytes: plan.byteLength } };
  }

  /** Removes an engine that does not load. */
  async remove(key: string): Promise<void> {
    await unlink(this.#path(key)).catch(() => {});
  }

  /** Waits until no other process builds this engine. */
  lock(key: string, options?: LockOptions): Promise<FileLock> {
    return acquireLock(path.join(this.folder, `${key}.lock`), options);
  }

  /** All engines, the most recently used first. */
  async list(): Promise<EngineListing[]> {
    const engines: EngineListing[] = [];
    for (const { file, bytes, usedMs } of await this.#engineFiles()) {
      const sealed = await readSealedHeader(file);
      const record = sealed && fromHeader(sealed.header, path.basename(file, EXTENSION));
      if (record === undefined) continue;
      const { description, device, runtime } = record;
      engines.push({ path: file, bytes, lastUsed: new Date(usedMs), description, device, runtime });
    }
    return engines.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  }

  /**
   * Removes every engine, timing cache and scale; what other processes have loaded stays usable to them.
   *
   * @returns engines and bytes removed
   */
  async clear(): Promise<{ readonly engines: number; readonly bytes: number }> {
    const engines = await this.#engineFiles();
    for (const name of await readdir(this.folder)) {
      if (/\.(engine|timing|scales)$/.test(name)) await unlink(path.join(this.folder, name)).catch(() => {});
    }
    return { engines: engines.length, bytes: engines.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  #path(key: string): string {
    if (!/^[0-9a-f]{64}$/.test(key)) throw new LatentCacheError('ERR_ARGUMENT', `'${key}' is no engine key`);
    return path.join(this.folder, key + EXTENSION);
  }

  async #engineFiles(): Promise<{ file: string; bytes: number; usedMs: number }[]> {
    const found: { file: string; bytes: number; usedMs: number }[] = [];
    for (const name of await readdir(this.folder)) {
      if (!name.endsWith(EXTENSION)) continue;
      const file = path.join(this.folder, name);
      const info = await stat(file).catch(() => undefined);
      if (info?.isFile()) found.push({ file, bytes: info.size, usedMs: info.mtimeMs });
    }
    return found;
  }

  async #makeRoom(justWritten: string): Promise<void> {
    const engines = (await this.#engineFiles()).sort((a, b) => a.usedMs - b.usedMs);
    let total = engines.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { file, bytes } of engines) {
      if (total <= this.#maximumBytes) return;
      if (file === justWritten) continue;
      await unlink(file).catch(() => {});
      total -= bytes;
    }
  }

  async #removeLeftovers(): Promise<void> {
    const names = await readdir(this.folder);
    await removeAbandoned(this.folder, names);
    for (const name of names) {
      const owner = WORK_FOLDER.exec(name)?.[1];
      if (owner === undefined || ownerState(owner) !== 'gone') continue;
      await rm(path.join(this.folder, name), { recursive: true, force: true });
    }
  }
}

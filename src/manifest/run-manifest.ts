/**
 * The manifests of a run's roots. A row is written after its cache lies under its final name: a run that is killed loses
 * rows, which the caches' own records give back, and never has a row for a cache that is not there.
 */
import type { CacheKey } from './manifest.js';
import { RootManifest, type RootManifestOptions, type WrittenRow } from './root-manifest.js';
import type { CacheRow, FailureRow } from './rows.js';

/** A transaction is this many rows, or this late, at most. */
const ROWS = 256;
const MILLISECONDS = 1000;

export class RunManifest {
  readonly #roots: ReadonlyMap<string, RootManifest>;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  private constructor(roots: ReadonlyMap<string, RootManifest>) {
    this.#roots = roots;
  }

  /**
   * @param roots folders whose `.latent-cache` is there and locked
   * @param without roots that take no files
   */
  static async open(
    roots: readonly string[],
    without: readonly string[],
    options: RootManifestOptions,
  ): Promise<RunManifest> {
    const opened = new Map<string, RootManifest>();
    for (const root of roots) {
      opened.set(
        root,
        without.includes(root) ? RootManifest.none(root, options) : await RootManifest.open(root, options),
      );
    }
    return new RunManifest(opened);
  }

  /** Rows of some images of a folder, by name; names are in the order of code points. */
  rows(root: string, folder: string, names: readonly string[]): Promise<(CacheRow[] | undefined)[]> {
    return this.#root(root).rows(folder, names);
  }

  failures(root: string, folder: string, names: readonly string[]): Promise<(FailureRow[] | undefined)[]> {
    return this.#root(root).failures(folder, names);
  }

  /** Drops the rows of a folder's caches; they are about to be read anew. */
  clearFolder(root: string, folder: string): Promise<void> {
    return this.#root(root).clearFolder(folder);
  }

  /** A cache that was read, or whose image was hashed, and is right. */
  recordKept(root: string, row: CacheRow): void {
    this.#root(root).put(row);
    this.#changed();
  }

  /** A cache that has just been written. */
  recordDone(root: string, row: WrittenRow): void {
    this.#root(root).putWritten(row);
    this.#changed();
  }

  recordFailure(root: string, failure: FailureRow): void {
    this.#root(root).fail(failure);
    this.#changed();
  }

  /** The cache file of a row is gone. */
  forget(root: string, key: CacheKey): void {
    this.#root(root).forget(key);
    this.#changed();
  }

  /** Resolves when few enough rows wait. */
  async ready(): Promise<void> {
    if (this.#waiting >= ROWS) await this.#flush();
  }

  /** The first root whose manifest lacks rows of this run, and why. */
  get trouble(): { readonly root: string; readonly reason: string } | undefined {
    for (const [root, { trouble: reason }] of this.#roots) if (reason !== undefined) return { root, reason };
    return undefined;
  }

  async close(): Promise<void> {
    await this.#flushing;
    clearTimeout(this.#timer);
    for (const root of this.#roots.values()) await root.close();
  }

  #root(root: string): RootManifest {
    return this.#roots.get(root)!;
  }

  get #waiting(): number {
    let sum = 0;
    for (const root of this.#roots.values()) sum += root.waiting;
    return sum;
  }

  #changed(): void {
    if (this.#waiting >= ROWS) void this.#flush();
    this.#timer ??= setTimeout(() => void this.#flush(), MILLISECONDS).unref();
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flushAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const root of this.#roots.values()) await root.flush();
  }
}

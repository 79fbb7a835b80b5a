import type { NativeBinding } from '../native/binding.js';
import { isDamage, sqliteCode } from './database.js';
import { stateAt } from './file-state.js';
import { joinSorted } from './join-sorted.js';
import type { CacheKey, Manifest } from './manifest.js';
import { openManifest, openManifestReadOnly, setManifestAside } from './open-manifest.js';
import type { CacheRow, CacheState, FailureRow } from './rows.js';

/** A row about a file that was just written: when, the file itself knows. */
export interface WrittenRow extends Omit<CacheRow, 'cache'> {
  /** Absolute path of the cache file. */
  readonly file: string;
  readonly cache: Omit<CacheState, 'modified'>;
}

export interface RootManifestOptions {
  readonly readOnly: boolean;
  readonly binding: Pick<NativeBinding, 'statFiles'>;
  /** The manifest was set aside, or the run goes on without one. */
  onProblem(message: string, file: string): void;
}

/** Rows that wait for a manifest that another program holds up; beyond that they are dropped. */
const MAX_WAITING = 100_000;

/**
 * The manifest of one root during a run. It never throws: without it the caches' own records tell the same, only slower.
 */
export class RootManifest {
  #manifest: Manifest | undefined;
  #rows: CacheRow[] = [];
  #written: WrittenRow[] = [];
  #failures: FailureRow[] = [];
  #gone: CacheKey[] = [];
  #trouble: string | undefined;

  private constructor(
    private readonly root: string,
    private readonly options: RootManifestOptions,
  ) {}

  static async open(root: string, options: RootManifestOptions): Promise<RootManifest> {
    const opened = new RootManifest(root, options);
    if (options.readOnly) opened.#manifest = await openManifestReadOnly(root);
    else await opened.#open();
    return opened;
  }

  /** Without a manifest, for a root that takes no files. */
  static none(root: string, options: RootManifestOptions): RootManifest {
    return new RootManifest(root, options);
  }

  /** Rows of some images of a folder, by name; names are in the order of code points. */
  async rows(folder: string, names: readonly string[]): Promise<(CacheRow[] | undefined)[]> {
    return this.#read(names, (manifest, first, last) => manifest.rowsBetween(folder, first, last));
  }

  async failures(folder: string, names: readonly string[]): Promise<(FailureRow[] | undefined)[]> {
    return this.#read(names, (manifest, first, last) => manifest.failuresBetween(folder, first, last));
  }

  /** Drops the rows of a folder's caches; they are about to be read anew. */
  async clearFolder(folder: string): Promise<void> {
    try {
      this.#manifest?.clearFolder(folder);
    } catch (error) {
      await this.#recover(error);
    }
  }

  put(row: CacheRow): void {
    if (this.#keeps) this.#rows.push(row);
  }

  putWritten(row: WrittenRow): void {
    if (this.#keeps) this.#written.push(row);
  }

  fail(failure: FailureRow): void {
    if (this.#keeps) this.#failures.push(failure);
  }

  forget(key: CacheKey): void {
    if (this.#keeps) this.#gone.push(key);
  }

  /** Why rows of this run are not in it. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get waiting(): number {
    return this.#rows.length + this.#written.length + this.#failures.length + this.#gone.length;
  }

  async flush(): Promise<void> {
    if (this.waiting === 0) return;
    const rows = this.#rows.splice(0);
    const failures = this.#failures.splice(0);
    const gone = this.#gone.splice(0);
    try {
      // What was written came after what the survey found.
      rows.push(...(await this.#statWritten(this.#written.splice(0))));
      this.#manifest?.write({ rows, failures, gone });
    } catch (error) {
      if (sqliteCode(error).startsWith('SQLITE_BUSY') && rows.length < MAX_WAITING) {
        this.#rows = [...rows, ...this.#rows];
        this.#failures = [...failures, ...this.#failures];
        this.#gone = [...gone, ...this.#gone];
      } else {
        await this.#recover(error);
      }
    }
  }

  async close(): Promise<void> {
    await this.flush();
    if (this.waiting > 0) this.#problem('another program holds it', new Error('SQLITE_BUSY'));
    this.#manifest?.close();
    this.#manifest = undefined;
  }

  get #keeps(): boolean {
    return this.#manifest !== undefined && !this.options.readOnly;
  }

  async #open(): Promise<void> {
    try {
      this.#manifest = await openManifest(this.root, (reason, file) =>
        this.options.onProblem(`the manifest ${reason}: it was set aside and is made anew`, file),
      );
    } catch (error) {
      this.#problem('cannot be opened', error);
    }
  }

  async #read<Row extends { readonly image: string }>(
    names: readonly string[],
    between: (manifest: Manifest, first: string, last: string) => Iterable<Row>,
  ): Promise<(Row[] | undefined)[]> {
    if (this.#manifest !== undefined && names.length > 0) {
      try {
        return joinSorted(names, between(this.#manifest, names[0]!, names.at(-1)!));
      } catch (error) {
        await this.#recover(error);
      }
    }
    return new Array<undefined>(names.length).fill(undefined);
  }

  async #statWritten(written: readonly WrittenRow[]): Promise<CacheRow[]> {
    if (written.length === 0) return [];
    const states = await this.options.binding.statFiles(written.map(({ file }) => file));
    return written.flatMap(({ file: _file, cache, ...row }, index) => {
      const state = stateAt(states, index);
      // Another size: something else has written it since.
      if (state?.bytes !== cache.bytes) return [];
      return [{ ...row, cache: { ...cache, modified: state.modified } }];
    });
  }

  /** A damaged manifest is replaced by a new one; with any other trouble the run goes on without. */
  async #recover(error: unknown): Promise<void> {
    this.#manifest?.close();
    this.#manifest = undefined;
    if (this.options.readOnly) return;
    if (!isDamage(error) && !(error instanceof RangeError)) return this.#problem('failed', error);
    try {
      const file = await setManifestAside(this.root);
      this.options.onProblem('the manifest is damaged: it was set aside and is made anew', file);
    } catch (cause) {
      return this.#problem('is damaged and cannot be moved', cause);
    }
    await this.#open();
  }

  #problem(what: string, error: unknown): void {
    this.#trouble = `the manifest ${what} (${error instanceof Error ? error.message : String(error)})`;
    this.options.onProblem(
      `${this.#trouble}: images are cached all the same, and the next run reads the caches instead`,
      this.root,
    );
  }
}

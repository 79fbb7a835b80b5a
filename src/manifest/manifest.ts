/** The manifest of one root: SQLite in one file, opened by one process at a time that writes. */
import { columns, rowValues, selectList } from './columns.js';
import type { Database, Query } from './database.js';
import { InternedTable } from './interned.js';
import {
  CACHE_COLUMNS,
  type CacheEncoder,
  type CacheRecipe,
  type CacheRow,
  cacheRow,
  cacheValues,
  FAILURE_COLUMNS,
  type FailureRow,
  failureRow,
  failureValues,
} from './rows.js';

export type CacheKey = Pick<CacheRow, 'folder' | 'image' | 'output' | 'keySuffix'>;
export type ImageKey = Pick<CacheRow, 'folder' | 'image'>;

/** What one transaction changes. */
export interface ManifestChanges {
  /** Caches that are right; the failures of their images go. */
  readonly rows: readonly CacheRow[];
  readonly failures: readonly FailureRow[];
  /** Rows of files that are gone. */
  readonly gone: readonly CacheKey[];
}

export class Manifest {
  readonly #recipes: InternedTable<CacheRecipe>;
  readonly #encoders: InternedTable<CacheEncoder>;
  readonly #rows: Query;
  readonly #failures: Query;
  readonly #db: Database;

  /** @param db with the tables of this version */
  constructor(db: Database) {
    this.#db = db;
    this.#recipes = new InternedTable(db, 'recipes', RECIPE_COLUMNS, RECIPES);
    this.#encoders = new InternedTable(db, 'encoders', ENCODER_COLUMNS, ENCODERS);
    const between = 'WHERE folder = ? AND image BETWEEN ? AND ? ORDER BY folder, image';
    this.#rows = db.query(`SELECT ${selectList(CACHE_COLUMNS)} FROM caches ${between}, output, key_suffix`);
    this.#failures = db.query(`SELECT ${selectList(FAILURE_COLUMNS)} FROM failures ${between}`);
  }

  /** Rows of a folder's images from one name to another, in the order of code points, which is that of UTF-8. */
  *rowsBetween(folder: string, first: string, last: string): Generator<CacheRow, void, void> {
    const find = {
      recipe: (id: number) => this.#recipes.record(id),
      encoder: (id: number) => this.#encoders.record(id),
    };
    for (const row of this.#rows(folder, first, last)) yield cacheRow(rowValues(CACHE_COLUMNS, row), find);
  }

  *failuresBetween(folder: string, first: string, last: string): Generator<FailureRow, void, void> {
    for (const row of this.#failures(folder, first, last)) yield failureRow(rowValues(FAILURE_COLUMNS, row));
  }

  /** Drops the rows of a folder's caches; they are about to be read anew. */
  clearFolder(folder: string): void {
    this.#db.command('DELETE FROM caches WHERE folder = ?')(folder);
  }

  /** All of it or nothing. */
  write({ rows, failures, gone }: ManifestChanges): void {
    const db = this.#db;
    const before = { recipes: this.#recipes.size, encoders: this.#encoders.size };
    try {
      db.transaction(() => {
        const remove = db.command(
          'DELETE FROM caches WHERE folder = ? AND image = ? AND output = ? AND key_suffix = ?',
        );
        for (const { folder, image, output, keySuffix } of gone) remove(folder, image, output, keySuffix);
        const put = db.command(`INSERT OR REPLACE INTO caches VALUES (${marks(CACHE_COLUMNS.length)})`);
        const settle = db.command('DELETE FROM failures WHERE folder = ? AND image = ?');
        for (const row of rows) {
          put(...cacheValues(row, this.#recipes.idOf(row.recipe), this.#encoders.idOf(row.encoder)));
          settle(row.folder, row.image);
        }
        const fail = db.command(`INSERT OR REPLACE INTO failures VALUES (${marks(FAILURE_COLUMNS.length)})`);
        for (const failure of failures) fail(...failureValues(failure));
      });
    } catch (error) {
      this.#recipes.forget(before.recipes);
      this.#encoders.forget(before.encoders);
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }
}

function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

const RECIPE_COLUMNS = columns(
  'vae:text posterior:text seed:integer? dtype:text interpolation:text pixels:text flip:integer alpha:integer',
);
const RECIPES = {
  values: ({ vae, posterior, seed, dtype, interpolation, pixels, flip, alpha }: CacheRecipe) => [
    vae,
    posterior,
    seed,
    dtype,
    interpolation,
    pixels,
    Number(flip),
    Number(alpha),
  ],
  record: ([
    vae,
    posterior,
    seed,
    dtype,
    interpolation,
    pixels,
    flip,
    alpha,
  ]: readonly unknown[]): CacheRecipe => ({
    vae: vae as string,
    posterior: posterior as CacheRecipe['posterior'],
    seed: seed === null ? null : Number(seed),
    dtype: dtype as CacheRecipe['dtype'],
    interpolation: interpolation as string,
    pixels: pixels as string,
    flip: Number(flip) === 1,
    alpha: Number(alpha) === 1,
  }),
};

const ENCODER_COLUMNS = columns('backend:text precision:text version:text? runtime:text?');
const ENCODERS = {
  values: ({ backend, precision, version, runtime }: CacheEncoder) => [backend, precision, version, runtime],
  record: ([backend, precision, version, runtime]: readonly unknown[]): CacheEncoder => ({
    backend: backend as string,
    precision: precision as string,
    version: version as string | null,
    runtime: runtime as string | null,
  }),
};

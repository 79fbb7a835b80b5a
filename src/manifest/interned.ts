import { type Column, rowValues, selectList } from './columns.js';
import type { Command, Database } from './database.js';
import type { Value } from './rows.js';

/** A small table of distinct records: rows of a large one hold their ids. */
export class InternedTable<T> {
  readonly #ids = new Map<string, number>();
  readonly #records = new Map<number, T>();
  readonly #insert: Command;

  /** @param columns without the id, and how a record lies in them */
  constructor(
    db: Database,
    table: string,
    columns: readonly Column[],
    private readonly convert: { values(record: T): Value[]; record(values: readonly Value[]): T },
  ) {
    const marks = columns.map(() => '?').join(', ');
    this.#insert = db.command(`INSERT INTO ${table} VALUES (?, ${marks})`);
    const all: readonly Column[] = [{ name: 'id', type: 'integer', nullable: false }, ...columns];
    for (const row of db.query(`SELECT ${selectList(all)} FROM ${table}`)()) {
      const [id, ...values] = rowValues(all, row);
      this.#keep(Number(id), convert.record(values));
    }
  }

  /** @throws RangeError for an id that no row has: the file was changed by something else */
  record(id: number): T {
    const record = this.#records.get(id);
    if (record === undefined) throw new RangeError(`record ${id} is missing`);
    return record;
  }

  /** Call in a transaction; when that is rolled back, `forget` what it added. */
  idOf(record: T): number {
    const known = this.#ids.get(this.#keyOf(record));
    if (known !== undefined) return known;
    const id = Math.max(0, ...this.#records.keys()) + 1;
    this.#insert(id, ...this.convert.values(record));
    this.#keep(id, record);
    return id;
  }

  get size(): number {
    return this.#records.size;
  }

  /** Drops what was added after there were `size` records. */
  forget(size: number): void {
    for (const [id, record] of [...this.#records].slice(size)) {
      this.#records.delete(id);
      this.#ids.delete(this.#keyOf(record));
    }
  }

  #keep(id: number, record: T): void {
    this.#records.set(id, record);
    this.#ids.set(this.#keyOf(record), id);
  }

  #keyOf(record: T): string {
    return JSON.stringify(this.convert.values(record));
  }
}

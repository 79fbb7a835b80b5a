/** The part of libsql that is used, with its traps closed: raw rows, 64-bit integers, parameters as one list. */
import type { Value } from './rows.js';

export type Query = (...values: Value[]) => Iterable<Value[]>;
export type Command = (...values: Value[]) => void;

export interface Database {
  exec(sql: string): void;
  /** A statement that gives rows. Go to the end of them: until then it holds its lock. */
  query(sql: string): Query;
  /** One that gives none. */
  command(sql: string): Command;
  /** Whether all of `work` was done or nothing of it. */
  transaction(work: () => void): void;
  close(): void;
}

/** Milliseconds for which a write waits for another program, a viewer perhaps; later ones try again. */
const BUSY_MS = 250;

/** @throws what libsql throws; its errors carry SQLite's name (`SQLITE_NOTADB` …) in `code` */
export async function openDatabase(file: string, { readOnly = false } = {}): Promise<Database> {
  // Loaded when it is needed: a platform without its binary can still make caches.
  const { default: Libsql } = await import('libsql');
  const name = readOnly ? `file:${encodeURI(file).replace(/[?#]/g, encodeURIComponent)}?mode=ro` : file;
  const db = new Libsql(name, { timeout: BUSY_MS });
  return {
    exec: (sql) => void db.exec(sql),
    query(sql) {
      const statement = db.prepare(sql).raw(true).safeIntegers(true);
      return (...values) => statement.iterate(values) as Iterable<Value[]>;
    },
    command(sql) {
      const statement = db.prepare(sql);
      return (...values) => void statement.run(values);
    },
    transaction(work) {
      db.exec('BEGIN IMMEDIATE');
      try {
        work();
        db.exec('COMMIT');
      } catch (error) {
        try {
          db.exec('ROLLBACK');
        } catch {
          // SQLite has rolled back by itself, as it does when the disk is full
        }
        throw error;
      }
    },
    close: () => void db.close(),
  };
}

/** SQLite's name of an error: `SQLITE_BUSY`, `SQLITE_FULL` … */
export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** The file is no manifest that can be read, now or later. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|ERROR|SCHEMA|MISMATCH)/.test(sqliteCode(error));
}

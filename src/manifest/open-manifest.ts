import { lstat, rename } from 'node:fs/promises';
import path from 'node:path';
import { freeName } from '../cache/set-aside.js';
import { systemErrorCode } from '../errors.js';
import { type Database, isDamage, openDatabase } from './database.js';
import { Manifest } from './manifest.js';
import { MANIFEST_FOLDER, MANIFEST_NAME, SCHEMA, SCHEMA_VERSION } from './schema.js';

export function manifestPath(root: string): string {
  return path.join(path.resolve(root), MANIFEST_FOLDER, MANIFEST_NAME);
}

/**
 * Opens the manifest of a root whose `.latent-cache` folder is there, and makes a new one where there is none. One that is
 * damaged, or of another version, is moved aside first.
 *
 * @param onSetAside is told where the old one lies now
 * @throws what the file system and SQLite throw
 */
export async function openManifest(
  root: string,
  onSetAside: (reason: string, file: string) => void,
): Promise<Manifest> {
  const file = manifestPath(root);
  const setAside = async (reason: string) => onSetAside(reason, await setManifestAside(root));
  if (!(await isPlain(file))) await setAside('is no regular file');
  const first = await tryToOpen(file);
  if (typeof first !== 'string') return first;
  await setAside(first);
  const second = await tryToOpen(file);
  if (typeof second !== 'string') return second;
  throw new Error(`the new manifest ${second}`);
}

/**
 * For a run that touches nothing.
 *
 * @returns undefined when there is no manifest, or none that can be read without touching it
 */
export async function openManifestReadOnly(root: string): Promise<Manifest | undefined> {
  const file = manifestPath(root);
  let db: Database | undefined;
  try {
    if ((await lstat(file)).size === 0) return undefined;
    db = await openDatabase(file, { readOnly: true });
    if (versionOf(db) !== SCHEMA_VERSION) throw new Error('another version');
    return new Manifest(db);
  } catch {
    db?.close();
    return undefined;
  }
}

/** @returns where it lies now */
export async function setManifestAside(root: string): Promise<string> {
  const file = manifestPath(root);
  const aside = await freeName(`${file}.set-aside`);
  await rename(file, aside);
  // It belongs to the old file; beside a new one, SQLite would play it back into that.
  await rename(`${file}-journal`, `${aside}-journal`).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  });
  return aside;
}

/** @returns in words why it cannot be used, when another file in its place would do */
async function tryToOpen(file: string): Promise<Manifest | string> {
  const db = await openDatabase(file);
  try {
    // Network file systems have no shared memory, which rules the write-ahead log out.
    db.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192;');
    const version = versionOf(db);
    if (version === 0) {
      db.transaction(() => {
        db.exec(SCHEMA);
        db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      });
    } else if (version !== SCHEMA_VERSION) {
      db.close();
      return `is of version ${version}, not ${SCHEMA_VERSION}`;
    }
    return new Manifest(db);
  } catch (error) {
    db.close();
    if (isDamage(error) || error instanceof RangeError) return 'is damaged';
    throw error;
  }
}

function versionOf(db: Database): number {
  const [[version] = []] = [...db.query('PRAGMA user_version')()];
  return Number(version);
}

/** A link would lead writes out of the root. */
async function isPlain(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isFile();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return true;
    throw error;
  }
}

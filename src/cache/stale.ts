import { access, rename, unlink } from 'node:fs/promises';
import type { Size } from '../dataset/bucket.js';
import { sameSize } from '../dataset/size.js';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import { writeError } from './atomic-file.js';
import { isAllOurs, readCache } from './read-cache.js';
import { type CacheNaming, cachePath, parseCacheName } from './sd-scripts.js';

/** An existing file that would make the trainer use something else than what we write. */
export interface StaleFile {
  readonly path: string;
  /**
   * `shadow`: `{base}.npz`, read first. `sibling`: a cache of the same image for another size. `foreign`: where ours
   * goes, written by another program.
   */
  readonly kind: 'shadow' | 'sibling' | 'foreign';
  /** The cache that it is in the way of. */
  readonly cachePath: string;
}

/** Whether an existing `.npz` is in the way of the cache of an image (cache format note 1.1, traps 2 and 4). */
export type InTheWay = { readonly base: string; readonly kind: 'shadow' | 'sibling' } | undefined;

/**
 * Judges one name of an output folder.
 *
 * @param sizeOf the size that the trainer takes an image for, by the image's name without its extension; undefined when there
 * is no such image
 * @returns the image whose cache it is in the way of; undefined when it is in no way, or the cache itself
 */
export function findInTheWay(
  name: string,
  sizeOf: (base: string) => Size | undefined,
  naming: CacheNaming,
): InTheWay {
  const sized = parseCacheName(name, naming.suffix);
  const size = sized && sizeOf(sized.base);
  if (sized !== undefined && size !== undefined) {
    if (name === cachePath(`${sized.base}.png`, size, naming)) return undefined;
    // Beside an old-style cache, one of the right size is unread but does no harm.
    if (naming.legacyName && sameSize(sized.size, size)) return undefined;
    return { base: sized.base, kind: 'sibling' };
  }
  const base = name.slice(0, -'.npz'.length);
  return naming.legacyName || sizeOf(base) === undefined ? undefined : { base, kind: 'shadow' };
}

/**
 * Takes a stale file out of the trainer's sight: one of ours is deleted, any other is renamed to `{name}.stale`,
 * which no trainer reads and nothing is lost by.
 */
export async function setAside(file: string): Promise<'deleted' | 'renamed' | 'gone'> {
  try {
    if (await isOurs(file)) {
      await unlink(file);
      return 'deleted';
    }
    await rename(file, await freeName(`${file}.stale`));
    return 'renamed';
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return 'gone'; // another process was quicker
    throw writeError(file, cause);
  }
}

/** The name itself, or with a number after it where it is taken. */
export async function freeName(wanted: string): Promise<string> {
  const taken = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );
  let name = wanted;
  for (let count = 1; await taken(name); count++) name = `${wanted}.${count}`;
  return name;
}

async function isOurs(file: string): Promise<boolean> {
  try {
    const cache = await readCache(file);
    return cache !== undefined && isAllOurs(cache);
  } catch (error) {
    if (error instanceof LatentCacheError) return false;
    throw error;
  }
}

import { access, readdir, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Size } from '../dataset/bucket.js';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import { writeError } from './atomic-file.js';
import { isAllOurs, readCache } from './read-cache.js';
import { type CacheNaming, parseCacheName } from './sd-scripts.js';

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

export interface Target {
  readonly cachePath: string;
  /** The size that the trainer takes the image for. */
  readonly size: Size;
}

/** The names in each folder that caches go to; folders that do not exist yet are empty. */
export async function listOutputFolders(folders: Iterable<string>): Promise<Map<string, string[]>> {
  const names = new Map<string, string[]>();
  for (const folder of folders) {
    try {
      names.set(folder, await readdir(folder));
    } catch (cause) {
      if (systemErrorCode(cause) !== 'ENOENT') throw writeError(folder, cause);
      names.set(folder, []);
    }
  }
  return names;
}

/**
 * Finds the files that shadow or contradict the targets (cache format note 1.1, traps 2 and 4).
 *
 * @param names file names by absolute folder
 */
export function findStale(
  targets: readonly Target[],
  names: ReadonlyMap<string, readonly string[]>,
  naming: CacheNaming,
): StaleFile[] {
  const wanted = new Set(targets.map(({ cachePath }) => path.resolve(cachePath)));
  const byBase = new Map<string, Target>();
  for (const target of targets) byBase.set(baseOf(target, naming), target);

  const stale: StaleFile[] = [];
  for (const [folder, entries] of names) {
    for (const name of entries) {
      const file = path.join(folder, name);
      if (!name.endsWith('.npz') || wanted.has(file)) continue;
      const sized = parseCacheName(name, naming.suffix);
      const sibling = sized === undefined ? undefined : byBase.get(path.join(folder, sized.base));
      if (sibling !== undefined) {
        // Beside an old-style cache, one of the right size is unread but does no harm.
        if (naming.legacyName && sameSize(sized!.size, sibling.size)) continue;
        stale.push({ path: file, kind: 'sibling', cachePath: sibling.cachePath });
        continue;
      }
      const shadowed = byBase.get(file.slice(0, -'.npz'.length));
      if (shadowed !== undefined && !naming.legacyName) {
        stale.push({ path: file, kind: 'shadow', cachePath: shadowed.cachePath });
      }
    }
  }
  return stale;
}

function sameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** The target's path without size, suffix and extension. */
function baseOf({ cachePath }: Target, naming: CacheNaming): string {
  const { dir, name } = path.parse(path.resolve(cachePath));
  if (naming.legacyName) return path.join(dir, name);
  return path.join(dir, parseCacheName(`${name}.npz`, naming.suffix)?.base ?? name);
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

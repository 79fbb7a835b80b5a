/** The folders that are looked at, one at a time. */
import type { Dirent } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { isFolder, readFolder } from '../dataset/folder-entries.js';
import { isImageName } from '../dataset/image-names.js';
import { LatentCacheError } from '../errors.js';

export interface CacheFolder {
  readonly path: string;
  readonly entries: readonly Dirent[];
  /** Paths of the images whose caches belong here. */
  readonly images: readonly string[];
  /** False when a link leads out of the folder that was asked for: nothing is removed there. */
  readonly inside: boolean;
}

/** A sub-folder that cannot be listed. */
export interface UnreadableFolder {
  readonly path: string;
  readonly error: LatentCacheError;
}

interface WalkOptions {
  readonly inputs: readonly string[];
  readonly recursive: boolean;
  readonly outDir: string | undefined;
}

/**
 * Walks the folders that hold caches: the inputs, or below `outDir` those of the same names as the inputs' own.
 *
 * @throws LatentCacheError `ERR_NO_INPUT` when a folder that was asked for cannot be listed
 */
export async function* walkFolders(options: WalkOptions): AsyncGenerator<CacheFolder | UnreadableFolder> {
  const seen = new Set<string>();
  const { inputs, outDir } = options;
  if (outDir === undefined) {
    for (const input of inputs) yield* walk(input, [input], '', options.recursive, seen);
  } else {
    for (const input of inputs) await readFolder(input);
    yield* walk(outDir, inputs, '', options.recursive, seen);
  }
}

async function* walk(
  root: string,
  imageRoots: readonly string[],
  inside: string,
  recursive: boolean,
  seen: Set<string>,
): AsyncGenerator<CacheFolder | UnreadableFolder> {
  const folder = path.join(root, inside);
  let listing: Awaited<ReturnType<typeof readFolder>>;
  try {
    listing = await readFolder(folder);
  } catch (error) {
    if (inside === '' || !(error instanceof LatentCacheError)) throw error;
    yield { path: folder, error };
    return;
  }
  const { entries, identity } = listing;
  if (seen.has(identity)) return;
  seen.add(identity);

  const images: string[] = [];
  for (const imageRoot of imageRoots) {
    const imageFolder = path.join(imageRoot, inside);
    const names = imageRoot === root ? entries : await entriesIfThere(imageFolder);
    for (const { name } of names) if (isImageName(name)) images.push(path.join(imageFolder, name));
  }
  const realRoot = await realpath(root);
  const within = identity === realRoot || identity.startsWith(realRoot + path.sep);
  yield { path: folder, entries, images, inside: within };

  if (!recursive) return;
  for (const entry of entries) {
    if (entry.name.startsWith('.') || !(await isFolder(entry, folder))) continue;
    yield* walk(root, imageRoots, path.join(inside, entry.name), recursive, seen);
  }
}

async function entriesIfThere(folder: string): Promise<Dirent[]> {
  try {
    return (await readFolder(folder)).entries;
  } catch (error) {
    if (error instanceof LatentCacheError) return [];
    throw error;
  }
}

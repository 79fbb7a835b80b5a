/** The folders that caches go to. */
import { mkdir, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { probeWritable, writeError } from '../cache/atomic-file.js';
import type { ImageFolder } from '../dataset/list-folders.js';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import type { CacheFiles } from '../trainers/trainer.js';
import { type OutputSettings, outputRoot } from './plan-image.js';

/** One folder with caches, and the folders whose images they are of; several only with an output folder. */
export interface OutputGroup {
  /** Absolute. */
  readonly folder: string;
  /** Absolute: the folder that the manifest's names of caches are relative to. */
  readonly base: string;
  /** The folder that it must not leave, whose manifest and lock it belongs to. */
  readonly root: string;
  /** Indices of image folders. */
  readonly parts: readonly number[];
}

/** What decides where caches are. */
export interface CachePlace extends OutputSettings {
  readonly files: Pick<CacheFiles, 'folder' | 'isCache'>;
}

export function groupByOutput(folders: readonly ImageFolder[], place: CachePlace): OutputGroup[] {
  const groups = new Map<string, OutputGroup & { parts: number[] }>();
  for (const [index, listed] of folders.entries()) {
    const root = outputRoot(listed, place);
    const base = path.resolve(place.outDir === undefined ? listed.path : path.join(root, listed.inside));
    const group = groups.get(base);
    const folder = path.join(base, place.files.folder);
    if (group === undefined) groups.set(base, { folder, base, root, parts: [index] });
    else group.parts.push(index);
  }
  return [...groups.values()];
}

/** Whether a name is worth listing besides images: caches, and what a killed run may have left. */
export function isWorthListing(name: string, { files }: CachePlace): boolean {
  return files.isCache(name) || name.startsWith('.latent-cache-');
}

/**
 * Names of the caches and temporary files in a group's folder; none when it does not exist yet. They are given once: their
 * list is not kept.
 */
export async function takeCacheNames(
  group: OutputGroup,
  folders: readonly ImageFolder[],
  place: CachePlace,
): Promise<readonly string[]> {
  if (place.outDir === undefined && place.files.folder === '')
    return folders[group.parts[0]!]!.others.splice(0);
  try {
    return (await readdir(group.folder)).filter((name) => isWorthListing(name, place));
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return [];
    throw writeError(group.folder, cause);
  }
}

/**
 * Where a group's folder really lies, when that is outside of its root: a link on the way leads there.
 *
 * @returns undefined when it lies inside
 */
export async function outsidePlace({
  folder,
  root,
}: Pick<OutputGroup, 'folder' | 'root'>): Promise<string | undefined> {
  const realRoot = await realpathOfNearest(path.resolve(root));
  const real = await realpathOfNearest(folder);
  const inside = path.relative(realRoot, real);
  return inside === '..' || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside) ? real : undefined;
}

/** Makes a folder and proves that it takes files, before hours of encoding. */
export async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw writeError(folder, cause);
  });
  await probeWritable(folder);
}

export function outsideError(group: Pick<OutputGroup, 'folder' | 'root'>, place: string): LatentCacheError {
  return new LatentCacheError(
    'ERR_OUTPUT_OUTSIDE',
    `Its cache would be written to ${place}, outside of ${group.root}, because a link on the way leads there`,
    {
      path: group.folder,
      remedy: 'Replace the link by a folder, or name the real folder as an input of its own.',
    },
  );
}

/** The real path of a folder, or where it will be: what does not exist yet holds no links. */
async function realpathOfNearest(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (cause) {
    const parent = path.dirname(folder);
    if (systemErrorCode(cause) !== 'ENOENT' || parent === folder) throw writeError(folder, cause);
    return path.join(await realpathOfNearest(parent), path.basename(folder));
  }
}

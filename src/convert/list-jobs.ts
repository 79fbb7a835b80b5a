/** The files that are to be converted. */
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isFolder, readFolder } from '../dataset/folder-entries.js';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import { formatsOfName } from '../inspect/identify.js';
import { imageFolderOf } from '../inspect/image-beside.js';
import { CACHE_FOLDER } from '../trainers/ai-toolkit/files.js';
import type { ConvertJob } from './convert-file.js';
import type { ConvertSettings } from './options.js';

type ListSettings = Pick<ConvertSettings, 'to' | 'from' | 'recursive' | 'imageDir' | 'outDir'>;

/**
 * Files that were named, and those of folders that are caches by their names, in the order of their names.
 *
 * @throws LatentCacheError `ERR_NO_INPUT`
 */
export async function listJobs(inputs: readonly string[], settings: ListSettings): Promise<ConvertJob[]> {
  const jobs: ConvertJob[] = [];
  for (const input of inputs) {
    if (await isDirectory(input)) jobs.push(...(await listFolder(input, '', settings, new Set())));
    else jobs.push(jobOf(input, imageFolderOf(input), imageFolderOf(input), '', false, settings));
  }
  if (jobs.length > 0) return jobs;
  throw new LatentCacheError('ERR_NO_INPUT', `No caches to convert in ${inputs.join(', ')}`, {
    path: inputs[0],
    remedy:
      'Caches are found by their names; of the format that is asked for only with --from. Sub-folders need --recursive.',
  });
}

async function isDirectory(input: string): Promise<boolean> {
  try {
    return (await stat(input)).isDirectory();
  } catch (cause) {
    if (systemErrorCode(cause) !== 'ENOENT') return false; // reading it tells more
    throw new LatentCacheError('ERR_NO_INPUT', `There is no file or folder ${input}`, {
      path: input,
      remedy: 'Name the folder with the caches, or a cache file.',
    });
  }
}

async function listFolder(
  root: string,
  inside: string,
  settings: ListSettings,
  seen: Set<string>,
): Promise<ConvertJob[]> {
  const folder = path.join(root, inside);
  const { entries, identity } = await readFolder(folder);
  if (seen.has(identity)) return [];
  seen.add(identity);
  const jobs: ConvertJob[] = [];
  const isCacheFolder = path.basename(identity) === CACHE_FOLDER;
  const add = (file: string, place: string) =>
    jobs.push(jobOf(path.join(root, file), path.join(root, place), root, place, true, settings));
  for (const { name } of entries) {
    const place = isCacheFolder ? path.dirname(inside) : inside;
    if (isWanted(name, isCacheFolder, settings)) add(path.join(inside, name), place);
  }
  const hasCaches = entries.some(({ name }) => name === CACHE_FOLDER);
  if (hasCaches && !isCacheFolder)
    jobs.push(...(await listFolder(root, path.join(inside, CACHE_FOLDER), settings, seen)));
  if (!settings.recursive) return jobs;
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === CACHE_FOLDER || !(await isFolder(entry, folder)))
      continue;
    jobs.push(...(await listFolder(root, path.join(inside, entry.name), settings, seen)));
  }
  return jobs;
}

function isWanted(name: string, isCacheFolder: boolean, { to, from }: ListSettings): boolean {
  if (name.startsWith('.')) return false;
  return formatsOfName(name).some((format) => {
    if ((format === 'ai-toolkit') !== isCacheFolder) return false;
    return from === undefined ? format !== to : format === from;
  });
}

/** @param place of its image below the root */
function jobOf(
  file: string,
  beside: string,
  root: string,
  place: string,
  isFound: boolean,
  { imageDir, outDir }: ListSettings,
): ConvertJob {
  const imageFolder = imageDir === undefined ? beside : path.join(imageDir, place);
  const outRoot = outDir ?? imageDir ?? root;
  const outFolder = outDir === undefined ? imageFolder : path.join(outDir, place);
  return { path: file, isFound, imageFolder, outFolder, outRoot };
}

/** Real paths of the folders that new files go to, as far as they are there. */
export async function foldersOf(jobs: readonly ConvertJob[]): Promise<string[]> {
  const folders = [...new Set(jobs.map(({ outFolder }) => outFolder))];
  const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)));
  return real.filter((folder) => folder !== undefined);
}

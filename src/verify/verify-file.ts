/** Everything that can be said about one cache file. */
import { stat } from 'node:fs/promises';
import { hashImage } from '../dataset/hash-image.js';
import { inspectImage } from '../dataset/inspect-image.js';
import { LatentCacheError } from '../errors.js';
import type { ByteBudget } from '../pipeline/byte-budget.js';
import { type CacheStructure, isAllOurs, OpenCache } from '../trainers/sd-scripts/npz-structure.js';
import { type CacheFile, readCache } from '../trainers/sd-scripts/read-npz.js';
import { checkAgainstImage, imageChanged } from './against-image.js';
import type { Candidate } from './candidates.js';
import { checkContent } from './content.js';
import { entriesOf } from './entries.js';
import type { VerifySettings } from './options.js';
import { checkRecords } from './record.js';
import type { Finding } from './results.js';
import { checkValues } from './values.js';

export interface FileReport {
  readonly candidate: Candidate;
  readonly ours: boolean;
  readonly findings: readonly Finding[];
  readonly dataRead: boolean;
  /** Missing when the file cannot be read. */
  readonly structure: CacheStructure | undefined;
  /** What the file was when it was judged. */
  readonly state: FileState;
}

/** Tells whether a file is still the one that was judged. */
export interface FileState {
  readonly inode: number;
  readonly bytes: number;
  readonly changedMs: number;
}

export async function fileState(file: string): Promise<FileState | undefined> {
  const status = await stat(file).catch(() => undefined);
  return status && { inode: status.ino, bytes: status.size, changedMs: status.ctimeMs };
}

/**
 * @param budget for the bytes of files that are read whole
 * @returns undefined when the file has gone, or is no latent cache by its name and not ours either
 */
export async function verifyFile(
  candidate: Candidate,
  settings: VerifySettings,
  budget: ByteBudget,
): Promise<FileReport | undefined> {
  const { path, images, named } = candidate;
  const state = await fileState(path);
  // A link to nothing is no file to the trainer; the next build puts a file in its place.
  if (state === undefined) return undefined;
  const judged = await judge(candidate, settings, budget);
  if (judged === undefined) return undefined;
  if (named === undefined && images.length === 0 && !judged.ours) return undefined;
  const findings = [...nameFindings(candidate), ...judged.findings];
  return { ...judged, candidate, findings, state };
}

type Judgement = Omit<FileReport, 'candidate' | 'state'>;

async function judge(
  candidate: Candidate,
  settings: VerifySettings,
  budget: ByteBudget,
): Promise<Judgement | undefined> {
  let ours = false;
  let cache: OpenCache | undefined;
  try {
    cache = await OpenCache.open(candidate.path);
    if (cache === undefined) return undefined;
    ours = isAllOurs(cache);
    const structure = await cache.structure();
    const findings = await checkStructure(candidate, structure, settings);
    const dataRead = settings.readsData(fileName(candidate.path));
    if (dataRead) findings.push(...(await checkData(candidate, cache, budget)));
    return { ours, findings, dataRead, structure };
  } catch (error) {
    if (!(error instanceof LatentCacheError)) throw error;
    return { ours, findings: [fromError(error, ours)], dataRead: false, structure: undefined };
  } finally {
    await cache?.close();
  }
}

async function checkStructure(
  candidate: Candidate,
  structure: CacheStructure,
  settings: VerifySettings,
): Promise<Finding[]> {
  const entries = entriesOf(structure);
  const content = checkContent(entries, candidate.models);
  const findings = [...content, ...checkRecords(structure, settings.vaeFingerprint)];
  const [image, another] = candidate.images;
  // What is wrong by itself, or has several images, is not compared with one.
  if (image === undefined || another !== undefined || content.length > 0) return findings;
  try {
    const info = await inspectImage(image, Number.POSITIVE_INFINITY, settings.binding);
    findings.push(...checkAgainstImage(candidate, entries, structure.provenance, info, settings));
  } catch (error) {
    if (!(error instanceof LatentCacheError)) throw error;
    findings.push(fromImageError(error, image));
  }
  return findings;
}

async function checkData(
  { path, images }: Candidate,
  { members, bytes }: OpenCache,
  budget: ByteBudget,
): Promise<Finding[]> {
  const needed = members.reduce((sum, member) => sum + member.bytes, bytes);
  await budget.acquire(needed);
  let cache: CacheFile | undefined;
  try {
    cache = await readCache(path);
    if (cache === undefined) return [];
    const findings = checkValues(cache);
    const sources = [...cache.provenance.values()].map(({ source }) => source);
    if (sources.length === 0 || images.length !== 1) return findings;
    const hash = await sourceState(images[0]!);
    // Another size has been found out already, by the header alone.
    if (hash !== undefined && sources.some(({ sha256 }) => sha256 !== hash.sha256)) {
      if (sources.every((source) => source.bytes === hash.bytes)) findings.push(imageChanged());
    }
    return findings;
  } finally {
    budget.release(needed);
  }
}

async function sourceState(image: string): Promise<{ sha256: string; bytes: number } | undefined> {
  const state = await fileState(image);
  try {
    return state && { sha256: await hashImage(image), bytes: state.bytes };
  } catch (error) {
    if (error instanceof LatentCacheError) return undefined; // the header check has reported it
    throw error;
  }
}

function nameFindings({ images, shadows, named }: Candidate): Finding[] {
  const findings: Finding[] = [];
  if (images.length === 0) {
    findings.push({
      code: 'ERR_CACHE_ORPHAN',
      message: 'there is no image of its name',
      remedy: named
        ? 'Remove it, or bring the image back. If the images are elsewhere, name their folder and give --out-dir.'
        : 'Remove it, or bring the image back.',
      removable: false,
    });
  }
  if (images.length > 1) {
    findings.push({
      code: 'ERR_NAME_COLLISION',
      message: `${images.join(' and ')} share it`,
      remedy: 'Rename the images: the trainer tells caches apart by the name without its extension.',
      removable: false,
    });
  }
  if (shadows !== undefined) {
    findings.push({
      code: 'ERR_CACHE_SHADOW',
      message: `the trainer reads it instead of ${shadows}`,
      remedy: 'Remove the one that is not meant; latent-cache build moves the older name aside.',
      removable: true,
    });
  }
  return findings;
}

function fromError({ message }: LatentCacheError, ours: boolean): Finding {
  const remedy = ours
    ? 'Make it again, and check the disk.'
    : 'Run latent-cache build: it moves the file aside and encodes the image.';
  return { code: 'ERR_CACHE_CORRUPT', message, remedy, removable: true };
}

function fromImageError({ code, message, remedy }: LatentCacheError, image: string): Finding {
  return {
    code,
    message: message.includes(image) ? message : `${image}: ${message}`,
    remedy: remedy ?? 'Restore the image, or take it and its cache out of the data set.',
    removable: false,
  };
}

function fileName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/** Caches of one trainer for another, without encoding anything. */
import type { LatentDtype } from '../cache/latent-entry.js';
import { type ErrorCode, LatentCacheError } from '../errors.js';
import { FolderLocks } from '../manifest/folder-locks.js';
import type { ModelId } from '../model/catalog.js';
import { mapLimit } from '../pipeline/map-limit.js';
import { type ConvertJob, convertFile } from './convert-file.js';
import { foldersOf, listJobs } from './list-jobs.js';
import { type ConvertOptions, resolveConvertOptions } from './options.js';

/** A cache that was written, would be (`dryRun`), or is there already. */
export interface ConvertedEvent {
  readonly type: 'converted' | 'unchanged';
  readonly path: string;
  readonly output: string;
  readonly model: ModelId;
  readonly dtype: LatentDtype;
  readonly bytes: number;
  readonly notes: readonly string[];
}

/** A cache that was not converted, and why. Others go on. */
export interface RefusedEvent {
  readonly type: 'refused';
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string | undefined;
}

export interface ConvertSummary {
  readonly type: 'summary';
  readonly converted: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly refusedByCode: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Files of folders that are named like caches and are none. */
  readonly ignored: number;
  /** The signal came before all were looked at. */
  readonly aborted: boolean;
  readonly dryRun: boolean;
  readonly seconds: number;
}

export type ConvertEvent = ConvertedEvent | RefusedEvent | ConvertSummary;

/** Files in work at a time: each is held whole. */
const FILES_AT_ONCE = 4;

/**
 * Converts latent caches between formats where that needs no VAE: values, types, containers and names change, latents do not.
 * What would be wrong for the new trainer is refused, file by file. Yields one event for each file, in order, and a summary.
 *
 * @throws LatentCacheError `ERR_OPTION`, `ERR_NO_INPUT`, `ERR_FOLDER_LOCKED`, `ERR_DISK_FULL`, `ERR_OUTPUT_*`, and what
 * `loadVae` throws
 */
export async function* convertCaches(options: ConvertOptions): AsyncGenerator<ConvertEvent, void, void> {
  const began = performance.now();
  const settings = await resolveConvertOptions(options);
  const { dryRun, binding } = settings;
  const { signal } = options;
  const jobs = await listJobs(options.inputs, settings);
  const roots = [...new Set(jobs.map(({ outRoot }) => outRoot))];
  const locks = dryRun
    ? undefined
    : await FolderLocks.take(roots, await foldersOf(jobs), settings.recursive, binding);
  const outputs = new Set<string>();
  const claim = (output: string) => !outputs.has(output) && outputs.add(output) !== undefined;
  const work = (job: ConvertJob) => (signal?.aborted ? ABORTED : convert(job));
  const convert = async (job: ConvertJob): Promise<ConvertedEvent | RefusedEvent | undefined> => {
    try {
      const done = await convertFile(job, settings, claim);
      if (done === undefined) return undefined;
      const { state, ...rest } = done;
      return { type: state === 'written' ? 'converted' : 'unchanged', path: job.path, ...rest };
    } catch (error) {
      if (!(error instanceof LatentCacheError) || error.code === 'ERR_DISK_FULL') throw error;
      const { code, message, remedy } = error;
      return { type: 'refused', path: job.path, code, message, remedy };
    }
  };
  const counts = { converted: 0, unchanged: 0, refused: 0, ignored: 0 };
  const refusedByCode: Partial<Record<ErrorCode, number>> = {};
  let aborted = false;
  try {
    for await (const event of mapLimit(jobs, FILES_AT_ONCE, async (job) => work(job))) {
      if (event === ABORTED) {
        aborted = true;
        break;
      }
      if (event === undefined) {
        counts.ignored++;
        continue;
      }
      counts[event.type]++;
      if (event.type === 'refused') refusedByCode[event.code] = (refusedByCode[event.code] ?? 0) + 1;
      yield event;
    }
  } finally {
    await locks?.release();
  }
  const seconds = (performance.now() - began) / 1000;
  yield { type: 'summary', ...counts, refusedByCode, aborted, dryRun, seconds };
}

const ABORTED = Symbol('aborted');

/**
 * Looks at the latent caches of folders, one folder at a time and file by file: what a run holds in memory are the
 * names in one folder, and never its results.
 */
import { throwIfAborted } from '../abort.js';
import { findAbandoned } from '../cache/atomic-file.js';
import { LatentCacheError } from '../errors.js';
import { ByteBudget } from '../pipeline/byte-budget.js';
import { mapLimit } from '../pipeline/map-limit.js';
import { planFolder } from './candidates.js';
import { type CacheFolder, type UnreadableFolder, walkFolders } from './folders.js';
import { resolveVerifyOptions, type VerifyOptions, type VerifySettings } from './options.js';
import { lockFolders, removeFile, repairFile } from './repair.js';
import type { ProblemCode, ProblemResult, VerifyEvent, VerifySummary } from './results.js';
import { SettingsTally } from './settings-tally.js';
import { type FileReport, verifyFile } from './verify-file.js';

/** Files looked at at once; they wait for the disk more than for the processor. */
const LOOKUPS = 16;
/** Bytes of files that are read whole at once; a larger one goes alone. */
const DATA_BYTES = 128 * 2 ** 20;

/**
 * Yields one result for each cache without a problem, one for each problem, and a summary at the end.
 *
 * @throws LatentCacheError `ERR_OPTION`, `ERR_NO_INPUT`, `ERR_MODEL_*`, `ERR_ABORTED`; with `repair` also
 * `ERR_FOLDER_LOCKED`, `ERR_OUTPUT_NOT_WRITABLE` and `ERR_CACHE_WRITE`
 */
export async function* verifyCaches(options: VerifyOptions): AsyncGenerator<VerifyEvent, void, void> {
  const started = performance.now();
  const settings = await resolveVerifyOptions(options);
  const counts = new Counts();
  const locks = settings.repair ? await lockFolders(settings) : undefined;
  try {
    yield* verifyFolders(settings, counts, options.signal);
  } finally {
    await locks?.release();
  }
  yield counts.summary((performance.now() - started) / 1000);
}

async function* verifyFolders(
  settings: VerifySettings,
  counts: Counts,
  signal: AbortSignal | undefined,
): AsyncGenerator<VerifyEvent, void, void> {
  let images = 0;
  for await (const folder of walkFolders(settings)) {
    const events = 'error' in folder ? unreadableFolder(folder) : verifyFolder(folder, settings, counts);
    for await (const event of events) {
      throwIfAborted(signal, 'verifying');
      counts.add(event);
      yield event;
    }
    if (!('error' in folder)) images += folder.images.length;
  }
  if (images + counts.files + counts.problems === 0) throw nothingThere(settings);
}

async function* verifyFolder(
  folder: CacheFolder,
  settings: VerifySettings,
  counts: Counts,
): AsyncGenerator<ProblemResult | Extract<VerifyEvent, { type: 'ok' }>> {
  const plan = planFolder(folder, settings.kinds, settings.legacyModels);
  counts.imagesWithoutCache += plan.imagesWithoutCache;
  counts.ignored += plan.otherModels;
  const tally = new SettingsTally();
  const budget = new ByteBudget(DATA_BYTES);
  const check = (candidate: Parameters<typeof verifyFile>[0]) => verifyFile(candidate, settings, budget);
  for await (const report of mapLimit(plan.candidates, LOOKUPS, check)) {
    if (report === undefined) {
      counts.ignored++;
      continue;
    }
    const repaired = settings.repair && (await repairFile(report));
    counts.addFile(report);
    if (report.structure !== undefined && !repaired && report.candidate.images.length > 0)
      tally.add(report.candidate.named?.suffix ?? '', report.candidate.path, report.structure);
    yield* resultsOf(report, repaired);
  }
  yield* tally.problems(folder.path);
  yield* leftovers(folder, settings);
}

function* resultsOf(
  { candidate: { path }, ours, findings, dataRead }: FileReport,
  repaired: boolean,
): Generator<ProblemResult | Extract<VerifyEvent, { type: 'ok' }>> {
  if (findings.length === 0) yield { type: 'ok', path, ours, dataRead };
  for (const { code, message, remedy } of findings)
    yield { type: 'problem', path, code, message, remedy, ours, repaired };
}

async function* leftovers(
  { path: folder, entries, inside }: CacheFolder,
  { repair }: VerifySettings,
): AsyncGenerator<ProblemResult> {
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  for await (const path of findAbandoned(folder, names)) {
    yield {
      type: 'problem',
      path,
      code: 'ERR_CACHE_LEFTOVER',
      message: 'a run that was killed left this temporary file',
      remedy: 'Remove it; the next build in this folder does.',
      ours: true,
      repaired: repair && inside && (await removeFile(path)),
    };
  }
}

function* unreadableFolder({ path, error }: UnreadableFolder): Generator<ProblemResult> {
  const { code, message } = error;
  const remedy = 'Make the folder readable.';
  yield { type: 'problem', path, code, message, remedy, ours: false, repaired: false };
}

class Counts {
  files = 0;
  ok = 0;
  dataRead = 0;
  foreign = 0;
  problems = 0;
  repaired = 0;
  imagesWithoutCache = 0;
  ignored = 0;
  readonly problemsByCode: Partial<Record<ProblemCode, number>> = {};

  addFile({ ours, dataRead }: FileReport): void {
    this.files++;
    if (!ours) this.foreign++;
    if (dataRead) this.dataRead++;
  }

  add(event: VerifyEvent): void {
    if (event.type === 'ok') this.ok++;
    if (event.type !== 'problem') return;
    this.problems++;
    if (event.repaired) this.repaired++;
    this.problemsByCode[event.code] = (this.problemsByCode[event.code] ?? 0) + 1;
  }

  summary(seconds: number): VerifySummary {
    return { type: 'summary', ...this, seconds };
  }
}

function nothingThere({ inputs, recursive }: VerifySettings): LatentCacheError {
  return new LatentCacheError('ERR_NO_INPUT', `No images and no caches in ${inputs.join(', ')}`, {
    path: inputs[0],
    remedy: recursive
      ? 'Name the folder that holds the images.'
      : 'Sub-folders are not searched: name them, or add --recursive.',
  });
}

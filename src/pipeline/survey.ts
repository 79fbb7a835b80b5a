/**
 * Everything that can be known before the first pixel is decoded: which images there are, where each belongs, what is
 * there already, what stands in the way.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { probeWritable, removeAbandoned, writeError } from '../cache/atomic-file.js';
import type { RecipeRecord } from '../cache/provenance.js';
import { findStale, listOutputFolders, type StaleFile, setAside, type Target } from '../cache/stale.js';
import { type FoundImage, findImages } from '../dataset/find-images.js';
import { LatentCacheError } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';
import { type FailedEvent, type NoticeEvent, toFailure } from './events.js';
import { existingCache } from './existing-cache.js';
import { mapLimit } from './map-limit.js';
import { reportNameClashes, withoutCollisions } from './name-conflicts.js';
import { NoticeCollector } from './notices.js';
import type { BuildSettings } from './options.js';
import { type PlannedImage, planImage, targetOf } from './plan-image.js';

export interface Survey {
  readonly total: number;
  /** Grouped by bucket, largest bucket first, each group in path order. */
  readonly work: readonly PlannedImage[];
  /**
   * By cache path: files that are set aside when that cache is written, and not before, so that nothing is out of the
   * trainer's sight without a better one being there.
   */
  readonly inTheWay: ReadonlyMap<string, readonly StaleFile[]>;
  readonly skipped: number;
  readonly failures: readonly FailedEvent[];
  readonly notices: readonly NoticeEvent[];
}

export interface SurveyContext {
  readonly binding: NativeBinding;
  readonly signal?: AbortSignal | undefined;
  onProgress(seen: number, total: number): void;
}

/** File look-ups in flight; they wait for the disk more than for the processor. */
const LOOKUPS = 16;

/**
 * @param recipe how caches will be made; undefined when every complete cache is to be kept
 * @throws LatentCacheError `ERR_OPTION` or `ERR_NO_INPUT` when nothing can run, `ERR_OUTPUT_NOT_WRITABLE`
 */
export async function surveyDataset(
  settings: BuildSettings,
  recipe: RecipeRecord | undefined,
  context: SurveyContext,
): Promise<Survey> {
  const images = await findImages(settings.inputs, { recursive: settings.recursive });
  if (images.length === 0) throw noImages(settings);
  const failures: FailedEvent[] = [];
  const notices = new NoticeCollector();

  const measured: PlannedImage[] = [];
  let seen = 0;
  const measure = (image: FoundImage) =>
    planImage(image, settings, context.binding).catch((error: unknown) => toFailure(image.path, error));
  for await (const result of mapLimit(images, LOOKUPS, measure)) {
    if (context.signal?.aborted) throw aborted();
    if ('type' in result) failures.push(result);
    else {
      measured.push(result);
      for (const trait of result.info.traits) notices.addTrait(trait, result.image.path, settings.alphaMask);
    }
    context.onProgress(++seen, images.length);
  }

  const planned = withoutCollisions(measured, settings, failures);
  const folders = new Set(planned.map((item) => path.dirname(path.resolve(item.cachePath))));
  const names = await listOutputFolders(folders);
  const existing = new Set<string>();
  for (const [folder, entries] of names) {
    if (!settings.leaveFiles) await removeAbandoned(folder, entries);
    for (const name of entries) if (name.endsWith('.npz')) existing.add(path.join(folder, name));
  }

  const work: PlannedImage[] = [];
  const accepted = new Set<string>();
  let skipped = 0;
  const foreign: StaleFile[] = [];
  const check = (item: PlannedImage) =>
    existingCache(item, settings, recipe, existing).then(
      (state) => ({ item, state }),
      (error: unknown) => toFailure(item.image.path, error),
    );
  for await (const result of mapLimit(planned, LOOKUPS, check)) {
    if (context.signal?.aborted) throw aborted();
    if ('type' in result) {
      failures.push(result);
      continue;
    }
    const { item, state } = result;
    if (state.keep !== undefined) {
      skipped++;
      accepted.add(state.keep);
      continue;
    }
    work.push(item);
    if (state.reason !== undefined) notices.add('outdated-cache', item.cachePath, state.reason);
    // With several resolutions a file, what others put into it stays in it.
    if (state.foreign && !settings.multiResolutionKeys) {
      foreign.push({ path: targetOf(item), kind: 'foreign', cachePath: item.cachePath });
    }
  }

  if (!settings.leaveFiles) await prepareFolders(work);
  const stale = findStale(planned.map(toTarget), names, settings).filter(
    ({ path: file }) => !accepted.has(file),
  );
  const inTheWay = await clearTheWay([...stale, ...foreign], work, settings, notices);
  reportNameClashes(images, planned, names, settings, notices);
  sortByBucket(work);
  return { total: images.length, work, inTheWay, skipped, failures, notices: notices.events() };
}

const STALE_NOTICES = {
  shadow: 'legacy-shadow',
  sibling: 'stale-sibling',
  foreign: 'foreign-cache',
} as const;

function toTarget(item: PlannedImage): Target {
  return { cachePath: item.cachePath, size: item.listed };
}

/** Sets aside at once what complete caches make useless; the rest waits for its new cache. */
async function clearTheWay(
  stale: readonly StaleFile[],
  work: readonly PlannedImage[],
  settings: BuildSettings,
  notices: NoticeCollector,
): Promise<Map<string, StaleFile[]>> {
  const waiting = new Map<string, StaleFile[]>(work.map(({ cachePath }) => [cachePath, []]));
  const leave = settings.stale === 'keep' || settings.leaveFiles;
  for (const file of stale) {
    notices.add(STALE_NOTICES[file.kind], file.path);
    if (leave) continue;
    const list = waiting.get(file.cachePath);
    if (list === undefined) await setAside(file.path);
    else list.push(file);
  }
  return waiting;
}

/** Makes the output folders and proves that they take files, before hours of encoding. */
async function prepareFolders(work: readonly PlannedImage[]): Promise<void> {
  for (const folder of new Set(work.map((item) => path.dirname(targetOf(item))))) {
    await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
      throw writeError(folder, cause);
    });
    await probeWritable(folder);
  }
}

/** Exact buckets together, so that batches are full; the largest first, so that memory trouble shows at once. */
function sortByBucket(work: PlannedImage[]): void {
  const area = ({ geometry: { bucket } }: PlannedImage) => bucket.width * bucket.height;
  work.sort((a, b) => area(b) - area(a) || b.geometry.bucket.width - a.geometry.bucket.width);
}

function noImages(settings: BuildSettings): LatentCacheError {
  return new LatentCacheError('ERR_NO_INPUT', `No images in ${settings.inputs.join(', ')}`, {
    path: settings.inputs[0],
    remedy: settings.recursive
      ? 'Images end in .png, .jpg, .jpeg, .webp, .bmp or .avif, all in lower or all in upper case.'
      : 'Sub-folders are not searched, as in sd-scripts: name them, or add --recursive.',
  });
}

function aborted(): LatentCacheError {
  return new LatentCacheError('ERR_ABORTED', 'Ended before anything was encoded');
}

/**
 * Everything that can be known before the first pixel is decoded: which images there are, where each belongs, what is
 * there already, what stands in the way.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { probeWritable, removeAbandoned, writeError } from '../cache/atomic-file.js';
import { isPassDisabled, sizesByName } from '../cache/name-pass.js';
import type { RecipeRecord } from '../cache/provenance.js';
import { type CacheNaming, cachePath, keySuffix, legacyPath } from '../cache/sd-scripts.js';
import { findStale, listOutputFolders, type StaleFile, setAside } from '../cache/stale.js';
import { BucketSelector, type Size } from '../dataset/bucket.js';
import { type FoundImage, findImages } from '../dataset/find-images.js';
import { type Geometry, planGeometry } from '../dataset/geometry.js';
import { type ImageInfo, inspectImage } from '../dataset/inspect-image.js';
import { LatentCacheError } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';
import { type FailedEvent, type NoticeEvent, toFailure } from './events.js';
import { existingCache } from './existing-cache.js';
import { mapLimit } from './map-limit.js';
import { NoticeCollector } from './notices.js';
import type { BuildSettings } from './options.js';

/** An image that has a place to go. */
export interface PlannedImage {
  readonly image: FoundImage;
  readonly info: ImageInfo;
  readonly geometry: Geometry;
  /** The size in the cache's name. */
  readonly listed: Size;
  /** (channels, height, width) of its latent. */
  readonly latentShape: readonly [number, number, number];
  readonly cachePath: string;
  readonly keySuffix: string;
}

export interface Survey {
  readonly total: number;
  /** Grouped by bucket, largest bucket first, each group in path order. */
  readonly work: readonly PlannedImage[];
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
/** What the resampler takes; no trainer gets through an image of that size. */
const MAX_RESIZED_SIDE = 2 ** 20;

/**
 * @param recipe how caches will be made; undefined when every complete cache is to be kept
 * @throws LatentCacheError `ERR_OPTION` or `ERR_NO_INPUT` when nothing can run, `ERR_OUTPUT_NOT_WRITABLE`
 */
export async function surveyDataset(
  settings: BuildSettings,
  recipe: RecipeRecord | undefined,
  context: SurveyContext,
): Promise<Survey> {
  const selector = new BucketSelector(settings.buckets);
  const images = await findImages(settings.inputs, { recursive: settings.recursive });
  if (images.length === 0) throw noImages(settings);
  const failures: FailedEvent[] = [];
  const notices = new NoticeCollector();
  const naming: CacheNaming = settings;

  const measured: PlannedImage[] = [];
  let seen = 0;
  const measure = (image: FoundImage) =>
    planImage(image, settings, selector, context.binding).catch((error: unknown) =>
      toFailure(image.path, error),
    );
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
    if (!settings.dryRun) await removeAbandoned(folder, entries);
    for (const name of entries) if (name.endsWith('.npz')) existing.add(path.join(folder, name));
  }

  const work: PlannedImage[] = [];
  const accepted = new Set<string>();
  let skipped = 0;
  const check = async (item: PlannedImage) => ({
    item,
    state: await existingCache(item, settings, recipe, existing),
  });
  for await (const { item, state } of mapLimit(planned, LOOKUPS, check)) {
    if (context.signal?.aborted) throw aborted();
    if (state.keep === undefined) {
      work.push(item);
      if (state.reason !== undefined) notices.add('outdated-cache', item.cachePath, state.reason);
    } else {
      skipped++;
      accepted.add(path.resolve(state.keep));
    }
  }

  await clearTheWay(
    findStale(targetsOf(planned), names, naming).filter((file) => !accepted.has(file.path)),
    settings,
    notices,
  );
  if (settings.outDir === undefined && !settings.legacyName)
    reportNameClashes(images, planned, names, naming, notices);
  if (!settings.dryRun) await prepareFolders(work);
  sortByBucket(work);
  return { total: images.length, work, skipped, failures, notices: notices.events() };
}

async function planImage(
  image: FoundImage,
  settings: BuildSettings,
  selector: BucketSelector,
  binding: NativeBinding,
): Promise<PlannedImage> {
  const info = await inspectImage(image.path, settings.maxPixels, binding);
  const { size, traits } = info;
  const misread = settings.webpSize === 'trainer' && traits.includes('webp-extended');
  // imagesize 1.4.1 takes the stored fields for the size, but the format stores each side less one.
  const listed = misread ? { width: size.width - 1, height: size.height - 1 } : size;
  if (listed.width < 1 || listed.height < 1) throw unusable(size, 'the trainer reads a side of it as 0');
  const geometry = planGeometry(selector, size, listed);
  const { resized } = geometry;
  if (Math.max(resized.width, resized.height) > MAX_RESIZED_SIDE) {
    throw unusable(size, `it would be enlarged to ${resized.width}x${resized.height}`);
  }
  const { stride, latentChannels } = settings.model;
  const latent = {
    width: Math.floor(geometry.bucket.width / stride),
    height: Math.floor(geometry.bucket.height / stride),
  };
  const beside = settings.outDir === undefined ? image.path : path.join(settings.outDir, image.relativePath);
  return {
    image,
    info,
    geometry,
    listed,
    latentShape: [latentChannels, latent.height, latent.width],
    cachePath: cachePath(beside, listed, settings),
    keySuffix: keySuffix(latent, settings),
  };
}

function unusable({ width, height }: Size, reason: string): LatentCacheError {
  return new LatentCacheError(
    'ERR_IMAGE_TOO_SMALL',
    `The image of ${width}x${height} pixels cannot be used: ${reason}`,
    {
      remedy: 'Take the image out of the data set; the trainer stops on it.',
    },
  );
}

/**
 * The trainer tells caches apart by the name without its extension: images that share one get each other's size or
 * latent, also when their sizes differ. None of them can be made right.
 */
function withoutCollisions(
  items: readonly PlannedImage[],
  settings: BuildSettings,
  failures: FailedEvent[],
): PlannedImage[] {
  const kept: PlannedImage[] = [];
  const collide = (group: readonly PlannedImage[], message: string) => {
    for (const { image } of group) {
      const remedy =
        'Rename it: the trainer tells caches apart by the name of the image without its extension.';
      failures.push({ type: 'failed', path: image.path, code: 'ERR_NAME_COLLISION', message, remedy });
    }
  };
  const baseOf = (item: PlannedImage) =>
    path.join(path.dirname(targetOf(item)), path.basename(legacyPath(item.image.path)));
  const byCache = new Map(items.map((item) => [targetOf(item), item]));
  for (const [base, group] of groupBy(items, baseOf)) {
    const shadow = settings.legacyName ? undefined : byCache.get(base);
    if (shadow !== undefined) {
      collide(
        group,
        `the cache of ${shadow.image.path} has the name that is read first for ${group[0]!.image.path}`,
      );
    } else if (group.length > 1) {
      collide(group, `${group.map(({ image }) => image.path).join(' and ')} share one cache`);
    } else if (settings.legacyName && base.endsWith(`_${settings.suffix}.npz`)) {
      collide(
        group,
        `${base} would look like a new-style cache with a broken name, on which the trainer stops`,
      );
    } else {
      kept.push(group[0]!);
    }
  }
  return kept;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

const targetOf = (item: PlannedImage) => path.resolve(item.cachePath);
const targetsOf = (items: readonly PlannedImage[]) =>
  items.map(({ image, cachePath, listed }) => ({ imagePath: image.path, cachePath, size: listed }));

async function clearTheWay(
  stale: readonly StaleFile[],
  settings: BuildSettings,
  notices: NoticeCollector,
): Promise<void> {
  for (const { path: file, kind } of stale) {
    const done =
      settings.stale === 'keep' ? 'kept' : settings.dryRun ? 'would be set aside' : await setAside(file);
    notices.add(kind === 'shadow' ? 'legacy-shadow' : 'stale-sibling', file, done);
  }
}

/** Images whose cache is right and which the trainer will all the same take for another size. */
function reportNameClashes(
  images: readonly FoundImage[],
  planned: readonly PlannedImage[],
  names: ReadonlyMap<string, readonly string[]>,
  naming: CacheNaming,
  notices: NoticeCollector,
): void {
  const imagesByFolder = groupBy(images, ({ path: file }) => path.dirname(path.resolve(file)));
  for (const [folder, items] of groupBy(planned, (item) => path.dirname(targetOf(item)))) {
    if (isPassDisabled(folder)) continue;
    const caches = new Set(items.map(({ cachePath: file }) => path.basename(file)));
    for (const name of names.get(folder) ?? []) if (name.endsWith(`_${naming.suffix}.npz`)) caches.add(name);
    const imageNames = (imagesByFolder.get(folder) ?? []).map(({ path: file }) => path.basename(file));
    const sizes = sizesByName(imageNames, [...caches]);
    for (const { image, listed } of items) {
      const taken = sizes.get(path.basename(image.path));
      if (taken === undefined || (taken.width === listed.width && taken.height === listed.height)) continue;
      notices.add('name-clash', image.path);
    }
  }
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

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { findDifference, findOutdated } from '../cache/check.js';
import type { RecipeRecord } from '../cache/provenance.js';
import { type CacheFile, isAllOurs, readCache } from '../cache/read-cache.js';
import { legacyPath } from '../cache/sd-scripts.js';
import { fileError } from '../dataset/image-errors.js';
import { LatentCacheError } from '../errors.js';
import type { BuildSettings } from './options.js';
import { type PlannedImage, targetOf } from './plan-image.js';

export interface ExistingCache {
  /** The file to keep; undefined when the image must be encoded. */
  readonly keep?: string;
  /** Why a file that is there does not do. */
  readonly reason?: string;
  /** The file where ours goes holds something that another program wrote, or cannot be read. */
  readonly foreign?: boolean;
}

/**
 * Judges the files that the trainer would read for an image, in its order.
 *
 * @param recipe how it would be made now; undefined when any complete cache is to be kept
 * @param existing absolute paths of the `.npz` files that are there
 */
export async function existingCache(
  item: PlannedImage,
  settings: BuildSettings,
  recipe: RecipeRecord | undefined,
  existing: ReadonlySet<string>,
): Promise<ExistingCache> {
  const target = targetOf(item);
  const legacy = path.join(path.dirname(target), path.basename(legacyPath(item.image.path)));
  // The trainer reads the old name first; one that does not fit is set aside and leaves the new name to be judged.
  const candidates = recipe === undefined ? [legacy, target] : [target];
  let state: ExistingCache = {};
  for (const file of candidates.filter((candidate) => existing.has(candidate))) {
    const judged = await judge(file, item, settings, recipe);
    if (judged.keep !== undefined) return judged;
    state = file === target ? judged : {};
  }
  return state;
}

async function judge(
  file: string,
  item: PlannedImage,
  settings: BuildSettings,
  recipe: RecipeRecord | undefined,
): Promise<ExistingCache> {
  let cache: CacheFile | undefined;
  try {
    cache = await readCache(file);
  } catch (error) {
    if (error instanceof LatentCacheError) return { reason: error.message, foreign: true };
    throw error;
  }
  if (cache === undefined) return {}; // it has just been removed
  const { geometry, info } = item;
  const difference = findDifference(cache, {
    keySuffix: item.keySuffix,
    shape: item.latentShape,
    bucket: geometry.bucket,
    originalSize: geometry.original,
    cropLtrb: geometry.cropLtrb,
    flipAug: settings.flipAug,
    alphaMask: settings.alphaMask,
  });
  const outdated =
    difference === undefined && recipe !== undefined
      ? await findOutdated(cache, item.keySuffix, recipe, info.bytes, () => hashFile(item.image.path))
      : undefined;
  const reason = difference ?? outdated;
  return reason === undefined ? { keep: file } : { reason, foreign: !isAllOurs(cache) };
}

/** SHA-256 of a file, hex. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  } catch (cause) {
    throw fileError(file, cause);
  }
  return hash.digest('hex');
}

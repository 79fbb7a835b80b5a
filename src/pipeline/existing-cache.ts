import path from 'node:path';
import { findDifference, findOutdated } from '../cache/check.js';
import { crc32 } from '../cache/crc32.js';
import type { RecipeRecord } from '../cache/provenance.js';
import { type CacheFile, isAllOurs, readCache } from '../cache/read-cache.js';
import { legacyPath } from '../cache/sd-scripts.js';
import { hashImage } from '../dataset/hash-image.js';
import { LatentCacheError } from '../errors.js';
import { stateAt } from '../manifest/file-state.js';
import type { CacheRow } from '../manifest/rows.js';
import type { NativeBinding } from '../native/binding.js';
import { rowSubject } from './manifest-rows.js';
import type { BuildSettings } from './options.js';
import { type PlannedImage, targetOf } from './plan-image.js';

export interface ExistingCache {
  /** The file to keep; undefined when the image must be encoded. */
  readonly keep?: string;
  /** What the manifest may say of a file to keep; undefined when the image was not compared with it. */
  readonly row?: CacheRow | undefined;
  /** Why a file that is there does not do. */
  readonly reason?: string;
  /** The file where ours goes holds something that another program wrote, or cannot be read. */
  readonly foreign?: boolean;
}

/**
 * Reads the files that the trainer would read for an image, in its order, and judges them.
 *
 * @param recipe how it would be made now; undefined when any complete cache is to be kept
 * @param existing names of the `.npz` files that are there
 */
export async function existingCache(
  item: PlannedImage,
  settings: BuildSettings,
  recipe: RecipeRecord | undefined,
  existing: ReadonlySet<string>,
  binding: Pick<NativeBinding, 'statFiles'>,
): Promise<ExistingCache> {
  const target = targetOf(item);
  const legacy = path.join(path.dirname(target), path.basename(legacyPath(item.image.path)));
  // The trainer reads the old name first; one that does not fit is set aside and leaves the new name to be judged.
  const candidates = recipe === undefined ? [legacy, target] : [target];
  let state: ExistingCache = {};
  for (const file of candidates.filter((candidate) => existing.has(path.basename(candidate)))) {
    const judged = await judge(file, item, settings, recipe, binding);
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
  binding: Pick<NativeBinding, 'statFiles'>,
): Promise<ExistingCache> {
  let cache: CacheFile | undefined;
  // Before it is read: what changes later is then seen as a change by the next run.
  const state = stateAt(await binding.statFiles([file]), 0);
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
      ? await findOutdated(cache, item.keySuffix, recipe, info.bytes, () => hashImage(item.image.path))
      : undefined;
  const reason = difference ?? outdated;
  if (reason !== undefined) return { reason, foreign: !isAllOurs(cache) };
  const row = recipe === undefined || state === undefined ? undefined : rowOf(item, cache, state.modified);
  return { keep: file, row };
}

/** What the cache's own record tells, now that it was found to be right. */
function rowOf(item: PlannedImage, cache: CacheFile, modified: bigint): CacheRow | undefined {
  const { keySuffix } = item;
  const record = cache.provenance.get(keySuffix);
  if (record === undefined) return undefined;
  return {
    ...rowSubject(item),
    sha256: record.source.sha256,
    recipe: {
      ...record.recipe,
      flip: cache.arrays.has(`latents_flipped${keySuffix}`),
      alpha: cache.arrays.has(`alpha_mask${keySuffix}`),
    },
    encoder: { ...record.encoder, version: null, runtime: null },
    cache: { bytes: cache.bytes.length, modified, crc32: crc32(cache.bytes) },
  };
}

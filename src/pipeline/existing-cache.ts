import path from 'node:path';
import { findOutdated } from '../cache/outdated.js';
import type { RecipeRecord } from '../cache/provenance.js';
import { hashImage } from '../dataset/hash-image.js';
import { LatentCacheError } from '../errors.js';
import { stateAt } from '../manifest/file-state.js';
import type { CacheRow } from '../manifest/rows.js';
import type { NativeBinding } from '../native/binding.js';
import type { StoredCache } from '../trainers/trainer.js';
import { haveControlsChanged } from './control-images.js';
import { rowSubject } from './manifest-rows.js';
import { type PlannedImage, storedShape, targetOf } from './plan-image.js';

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
 * @param existing names of the caches that are there
 */
export async function existingCache(
  item: PlannedImage,
  recipe: RecipeRecord | undefined,
  existing: ReadonlySet<string>,
  binding: Pick<NativeBinding, 'statFiles'>,
): Promise<ExistingCache> {
  const target = targetOf(item);
  const first = item.target.trainer.files.readFirst?.(path.basename(item.image.path));
  // One that does not fit is set aside and leaves the new name to be judged.
  const readFirst =
    recipe === undefined && first !== undefined ? [path.join(path.dirname(target), first)] : [];
  const candidates = [...readFirst, target];
  let state: ExistingCache = {};
  for (const file of candidates.filter((candidate) => existing.has(path.basename(candidate)))) {
    const judged = await judge(file, item, recipe, binding);
    if (judged.keep !== undefined) return judged;
    state = file === target ? judged : {};
  }
  return state;
}

async function judge(
  file: string,
  item: PlannedImage,
  recipe: RecipeRecord | undefined,
  binding: Pick<NativeBinding, 'statFiles'>,
): Promise<ExistingCache> {
  let cache: StoredCache | undefined;
  // Before it is read: what changes later is then seen as a change by the next run.
  const state = stateAt(await binding.statFiles([file]), 0);
  try {
    cache = await item.target.trainer.files.open(file);
  } catch (error) {
    if (error instanceof LatentCacheError) return { reason: error.message, foreign: true };
    throw error;
  }
  if (cache === undefined) return {}; // it has just been removed
  const { geometry, info, target, latentShape } = item;
  const difference = cache.findDifference({
    keySuffix: item.keySuffix,
    shape: storedShape(latentShape, target),
    geometry,
    flipAug: target.flipAug,
    alphaMask: target.alphaMask,
    controls: item.controls.map((control) => storedShape(control.latentShape, target)),
  });
  const outdated =
    difference === undefined && recipe !== undefined
      ? ((await findOutdated(cache, item.keySuffix, recipe, info.bytes, () => hashImage(item.image.path))) ??
        (await findChangedControls(cache, item)))
      : undefined;
  const reason = difference ?? outdated;
  if (reason !== undefined) return { reason, foreign: !cache.isOurs };
  const row = recipe === undefined || state === undefined ? undefined : rowOf(item, cache, state.modified);
  return { keep: file, row };
}

async function findChangedControls(cache: StoredCache, item: PlannedImage): Promise<string | undefined> {
  const record = cache.provenance.get(item.keySuffix)!;
  return (await haveControlsChanged(record, item.controls)) ? 'its control images have changed' : undefined;
}

/** What the cache's own record tells, now that it was found to be right. */
function rowOf(item: PlannedImage, cache: StoredCache, modified: bigint): CacheRow | undefined {
  const { keySuffix } = item;
  const record = cache.provenance.get(keySuffix);
  if (record === undefined) return undefined;
  return {
    ...rowSubject(item),
    sha256: record.source.sha256,
    recipe: { ...record.recipe, ...cache.holds(keySuffix) },
    encoder: { ...record.encoder, version: null, runtime: null },
    cache: { bytes: cache.bytes, modified, crc32: cache.crc32 },
  };
}

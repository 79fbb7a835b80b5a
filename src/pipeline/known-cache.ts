import { type RecipeRecord, sameRecipe } from '../cache/provenance.js';
import { sameSize, sizeName } from '../dataset/size.js';
import { type FileState, sameState } from '../manifest/file-state.js';
import type { CacheRow } from '../manifest/rows.js';
import type { PlannedImage } from './plan-image.js';

/** What the manifest alone tells about an image's cache. */
export type KnownCache =
  /** It is right; `refresh` when its row has other times than the image, whose content is the same. */
  | { readonly verdict: 'keep'; readonly row: CacheRow; readonly refresh: boolean }
  | { readonly verdict: 'encode'; readonly reason: string }
  /** The file must be read. */
  | { readonly verdict: 'unknown' };

const UNKNOWN: KnownCache = { verdict: 'unknown' };

/** Index of the row about the file where an image's cache goes; -1 when there is none. */
export function rowIndex(item: PlannedImage, rows: readonly CacheRow[]): number {
  return rows.findIndex((row) => row.output === item.output && row.keySuffix === item.keySuffix);
}

/**
 * Judges a cache without opening it.
 *
 * @param row about the file where the cache goes
 * @param file that file as it is now
 * @param recipe how it would be made now; undefined when any complete cache is to be kept
 * @param controls what stands for its control images as they are now
 * @param sameBytes whether the image has the hash of the row; undefined when that was not looked at
 */
export function judgeRow(
  item: PlannedImage,
  row: CacheRow | undefined,
  file: FileState | undefined,
  recipe: RecipeRecord | undefined,
  controls: string | undefined,
  sameBytes: boolean | undefined,
): KnownCache {
  if (row === undefined || file === undefined) return UNKNOWN;
  if (file.bytes !== row.cache.bytes || file.modified !== row.cache.modified) return UNKNOWN;
  const reason = findDifference(item, row) ?? (recipe && findOutdated(item, row, recipe));
  if (reason !== undefined) return { verdict: 'encode', reason };
  // The cache's own record knows them by their content.
  if (row.controls !== controls) return UNKNOWN;
  if (recipe === undefined) return { verdict: 'keep', row, refresh: false };
  if (sameState(row.source, item.state)) return { verdict: 'keep', row, refresh: false };
  if (sameBytes === true) return { verdict: 'keep', row, refresh: true };
  // Not hashed and of the same size: it changed between two looks.
  if (sameBytes === undefined && row.source.bytes === item.state.bytes) return UNKNOWN;
  return { verdict: 'encode', reason: 'the image has changed' };
}

function findDifference(item: PlannedImage, row: CacheRow): string | undefined {
  const { geometry, info, target } = item;
  const { flipAug, alphaMask } = target;
  const { recipe } = row;
  const { bucket } = row.placement;
  if (!sameSize(bucket, geometry.bucket)) {
    return `its latents are for ${sizeName(bucket)}, not ${sizeName(geometry.bucket)}`;
  }
  if (!sameSize(row.info.size, info.size)) return `its original_size is not ${sizeName(info.size)}`;
  if (flipAug && !recipe.flip) return 'it has no flipped latents';
  if (alphaMask && !recipe.alpha) return 'it has no alpha mask';
  // Present, it switches masked loss on whatever the trainer's options say.
  if (!alphaMask && recipe.alpha) return 'it has an alpha mask, which is not wanted now';
  return undefined;
}

function findOutdated(item: PlannedImage, row: CacheRow, recipe: RecipeRecord): string | undefined {
  const { geometry, listed } = item;
  const { placement } = row;
  const samePlace =
    sameSize(placement.listed, listed) &&
    (placement.resized === null || sameSize(placement.resized, geometry.resized)) &&
    (placement.crop === null ||
      (placement.crop.left === geometry.crop.left && placement.crop.top === geometry.crop.top));
  if (!samePlace) return 'it was made with other bucket settings';
  if (row.recipe.vae !== recipe.vae) return 'it was made with another VAE';
  return sameRecipe(row.recipe, recipe) ? undefined : 'it was made with other settings';
}

import { LatentCacheError } from '../errors.js';
import { readNpyNumbers } from './npy.js';
import { type RecipeRecord, sameRecipe } from './provenance.js';
import type { ArrayStructure, CacheStructure } from './read-structure.js';
import type { LatentEntry } from './sd-scripts.js';

/** What a cache must hold to be complete: the entry without its numbers. */
export interface CacheExpectation
  extends Pick<LatentEntry, 'shape' | 'bucket' | 'originalSize' | 'cropLtrb'> {
  readonly keySuffix: string;
  readonly flipAug: boolean;
  readonly alphaMask: boolean;
}

/**
 * Compares a cache with what the current settings would write: keys, shapes, sizes. Stricter than every version of
 * sd-scripts, which accept wrong sizes (cache format note 1.3).
 *
 * @returns the first difference in words; undefined when there is none
 */
export function findDifference(cache: CacheStructure, expected: CacheExpectation): string | undefined {
  const { keySuffix, shape, bucket } = expected;
  const array = (key: string) => cache.arrays.get(key + keySuffix);
  const latents = array('latents');
  if (latents === undefined) return `it has no latents${keySuffix}`;
  if (!hasFloats(latents, shape)) return `its latents are ${describe(latents)}, not (${shape.join(', ')})`;

  const size = [expected.originalSize.width, expected.originalSize.height];
  if (!hasNumbers(array('original_size'), size)) return `its original_size is not ${size.join('x')}`;
  if (!hasNumbers(array('crop_ltrb'), expected.cropLtrb)) return 'its crop_ltrb belongs to other settings';

  const flipped = array('latents_flipped');
  if (expected.flipAug && flipped === undefined) return 'it has no flipped latents';
  if (flipped !== undefined && !hasFloats(flipped, shape)) return 'its flipped latents have another shape';

  const mask = array('alpha_mask');
  if (expected.alphaMask) {
    if (mask === undefined) return 'it has no alpha mask';
    if (!hasFloats(mask, [bucket.height, bucket.width])) return 'its alpha mask has another size';
  } else if (mask !== undefined) {
    // Present, it switches masked loss on whatever the trainer's options say.
    return 'it has an alpha mask, which is not wanted now';
  }
  return undefined;
}

/**
 * Compares the record of how a cache was made with how it would be made now. `hashSource` reads the whole image and is
 * called last.
 *
 * @returns the first difference in words; undefined when there is none
 */
export async function findOutdated(
  cache: Pick<CacheStructure, 'provenance'>,
  keySuffix: string,
  recipe: RecipeRecord,
  sourceBytes: number,
  hashSource: () => Promise<string>,
): Promise<string | undefined> {
  const record = cache.provenance.get(keySuffix);
  if (record === undefined) return 'it was not made by latent-cache';
  if (record.recipe.vae !== recipe.vae) return 'it was made with another VAE';
  if (!sameRecipe(record.recipe, recipe)) return 'it was made with other settings';
  const unchanged = record.source.bytes === sourceBytes && record.source.sha256 === (await hashSource());
  return unchanged ? undefined : 'the image has changed';
}

/** What the trainer's `torch.FloatTensor` takes as a latent: it refuses the other byte order. */
export const FLOATS = /^<f[248]$/;

function hasFloats(array: ArrayStructure, shape: readonly number[]): boolean {
  const { header } = array;
  return (
    FLOATS.test(header.descr) &&
    header.shape.length === shape.length &&
    header.shape.every((side, axis) => side === shape[axis])
  );
}

function hasNumbers(array: ArrayStructure | undefined, expected: readonly number[]): boolean {
  if (
    array?.npy === undefined ||
    array.header.shape.length !== 1 ||
    array.header.shape[0] !== expected.length
  )
    return false;
  try {
    return readNpyNumbers(array.npy).values.every((value, index) => value === expected[index]);
  } catch (error) {
    if (error instanceof LatentCacheError) return false;
    throw error;
  }
}

function describe({ header }: ArrayStructure): string {
  return `${header.descr} (${header.shape.join(', ')})`;
}

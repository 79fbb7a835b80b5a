import { readNpyNumbers } from '../../cache/npy.js';
import { LatentCacheError } from '../../errors.js';
import type { CacheExpectation } from '../trainer.js';
import type { ArrayStructure, CacheStructure } from './npz-structure.js';

/**
 * Compares a cache with what the current settings would write: keys, shapes, sizes. Stricter than every version of
 * sd-scripts, which accept wrong sizes (cache format note 1.3).
 *
 * @returns the first difference in words; undefined when there is none
 */
export function findDifference(cache: CacheStructure, expected: CacheExpectation): string | undefined {
  const { keySuffix, shape, geometry } = expected;
  const { bucket, original, cropLtrb } = geometry;
  const array = (key: string) => cache.arrays.get(key + keySuffix);
  const latents = array('latents');
  if (latents === undefined) return `it has no latents${keySuffix}`;
  if (!hasFloats(latents, shape)) return `its latents are ${describe(latents)}, not (${shape.join(', ')})`;

  const size = [original.width, original.height];
  if (!hasNumbers(array('original_size'), size)) return `its original_size is not ${size.join('x')}`;
  if (!hasNumbers(array('crop_ltrb'), cropLtrb)) return 'its crop_ltrb belongs to other settings';

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

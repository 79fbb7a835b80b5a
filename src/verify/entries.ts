/** A cache's arrays by key suffix: one entry for each resolution. */
import { readNpyNumbers } from '../cache/npy.js';
import { LatentCacheError } from '../errors.js';
import { memberKeySuffix } from '../trainers/sd-scripts/files.js';
import type { ArrayStructure, CacheStructure } from '../trainers/sd-scripts/npz-structure.js';

export interface Entry {
  readonly keySuffix: string;
  readonly latents: ArrayStructure | undefined;
  readonly latentsFlipped: ArrayStructure | undefined;
  readonly alphaMask: ArrayStructure | undefined;
  /** undefined when missing, or no such array of numbers. */
  readonly originalSize: readonly number[] | undefined;
  readonly cropLtrb: readonly number[] | undefined;
}

export function entriesOf(cache: CacheStructure): Entry[] {
  const suffixes = new Set<string>();
  for (const { member } of cache.arrays.values()) {
    const suffix = memberKeySuffix(member.name);
    if (suffix !== undefined) suffixes.add(suffix);
  }
  return [...suffixes].map((keySuffix) => {
    const array = (key: string) => cache.arrays.get(key + keySuffix);
    return {
      keySuffix,
      latents: array('latents'),
      latentsFlipped: array('latents_flipped'),
      alphaMask: array('alpha_mask'),
      originalSize: numbersOf(array('original_size'), 2),
      cropLtrb: numbersOf(array('crop_ltrb'), 4),
    };
  });
}

/** (height, width) in latent cells. */
export function latentSize({ latents }: Entry): { height: number; width: number } | undefined {
  const shape = latents?.header.shape;
  return shape?.length === 3 ? { height: shape[1]!, width: shape[2]! } : undefined;
}

function numbersOf(array: ArrayStructure | undefined, length: number): readonly number[] | undefined {
  if (array?.npy === undefined || array.header.shape.length !== 1 || array.header.shape[0] !== length)
    return undefined;
  try {
    return [...readNpyNumbers(array.npy).values];
  } catch (error) {
    if (error instanceof LatentCacheError) return undefined;
    throw error;
  }
}

/** The data of a cache's arrays, which have passed their CRC. */
import { readNpyNumbers } from '../cache/npy.js';
import { absurdMagnitude, MAX_LATENT_MAGNITUDE } from '../model/finite.js';
import type { CacheArray, CacheFile } from '../trainers/sd-scripts/read-npz.js';
import type { Finding } from './results.js';

export function checkValues(cache: CacheFile): Finding[] {
  const findings: Finding[] = [];
  for (const [key, array] of cache.arrays) {
    if (/^latents(_flipped)?(_\d+x\d+)?$/.test(key)) {
      const value = absurdMagnitude(numbers(array));
      if (value !== undefined) findings.push(badLatent(key, value));
    } else if (/^alpha_mask(_\d+x\d+)?$/.test(key)) {
      const value = numbers(array).find((each) => !(each >= 0 && each <= 1));
      if (value !== undefined) findings.push(badMask(key, value));
    }
  }
  return findings;
}

function numbers({ header, npy }: CacheArray): Float32Array | Float64Array {
  // The short way for what nearly every cache holds.
  if (header.descr !== '<f4') return readNpyNumbers(npy).values;
  const start = npy.byteOffset + header.dataOffset;
  return start % 4 === 0
    ? new Float32Array(npy.buffer, start, header.dataBytes / 4)
    : new Float32Array(npy.buffer.slice(start, start + header.dataBytes));
}

function badLatent(key: string, value: number): Finding {
  const what = Number.isFinite(value)
    ? `holds ${value.toPrecision(3)}, beyond the ±${MAX_LATENT_MAGNITUDE} that a latent can have`
    : `holds ${value}`;
  return {
    code: 'ERR_NON_FINITE',
    message: `${key} ${what}`,
    remedy: 'Make it again with a float32 VAE: training on it spoils the model.',
    removable: true,
  };
}

function badMask(key: string, value: number): Finding {
  return {
    code: 'ERR_CACHE_CONTENT',
    message: `${key} holds ${value}; a mask is from 0 to 1`,
    remedy: 'Make it again.',
    removable: true,
  };
}

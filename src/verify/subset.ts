import { createHash } from 'node:crypto';
import { LatentCacheError } from '../errors.js';

/** Whether a file's data are to be read, by its name alone, so that it is the same files wherever the folder is. */
export type Subset = (fileName: string) => boolean;

/**
 * `1/7`: the first of seven parts, which together are all files. `10%`: about as many.
 *
 * @throws LatentCacheError `ERR_OPTION`
 */
export function parseSubset(text: string): Subset {
  const part = /^(\d{1,4})\/(\d{1,4})$/.exec(text);
  if (part !== null) {
    const [wanted, parts] = [Number(part[1]), Number(part[2])];
    if (wanted >= 1 && wanted <= parts) return (name) => hashOf(name) % parts === wanted - 1;
  }
  const percent = Number(/^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text)?.[1] ?? 0);
  if (percent > 0 && percent <= 100) return (name) => hashOf(name) < (percent / 100) * 2 ** 32;
  throw new LatentCacheError('ERR_OPTION', `read_data_subset must be like 10% or 1/7, got '${text}'`, {
    remedy: 'The parts 1/7 to 7/7 together are all files; 100% is --read-data.',
  });
}

/** Evenly spread over 32 bits, also for names that are counted up. */
function hashOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32LE();
}

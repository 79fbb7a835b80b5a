/** Whether a cache is what the trainer's loader takes, by its headers (cache format note 1.2 and 1.3). */

import type { NpyHeader } from '../cache/npy.js';
import type { ModelFacts } from '../model/catalog.js';
import { FLOATS } from '../trainers/sd-scripts/check.js';
import type { Entry } from './entries.js';
import type { Finding } from './results.js';

/** @param models what the latents may be for: one of them must fit */
export function checkContent(entries: readonly Entry[], models: readonly ModelFacts[]): Finding[] {
  if (!entries.some(({ latents }) => latents !== undefined)) return [finding('it holds no latents')];
  return entries.flatMap((entry) => {
    const wrong = models.map((model) => firstFault(entry, model));
    // With several models to choose from, the last one's fault is as good as any.
    const fault = wrong.includes(undefined) ? undefined : wrong.at(-1);
    return fault === undefined ? [] : [finding(fault)];
  });
}

function firstFault(entry: Entry, { latentChannels, stride }: ModelFacts): string | undefined {
  const { keySuffix, latents, latentsFlipped, alphaMask, originalSize, cropLtrb } = entry;
  if (latents === undefined) return `latents${keySuffix} is missing`;
  const { shape } = latents.header;
  const [channels, height, width] = shape;
  const wanted = `(${latentChannels}, height, width)`;
  if (shape.length !== 3 || channels !== latentChannels || !(height! > 0 && width! > 0))
    return `latents${keySuffix} is ${describe(latents.header)}, not ${wanted}`;
  if (!FLOATS.test(latents.header.descr))
    return `latents${keySuffix} is ${describe(latents.header)}, not little-endian floats`;
  if (keySuffix !== '' && keySuffix !== `_${height}x${width}`)
    return `the latents under the key latents${keySuffix} are ${height}x${width}`;
  if (latentsFlipped !== undefined && !isFloats(latentsFlipped.header, shape)) {
    return `latents_flipped${keySuffix} is ${describe(latentsFlipped.header)}, not as the latents`;
  }
  const pixels = [height! * stride, width! * stride];
  if (alphaMask !== undefined && !isFloats(alphaMask.header, pixels)) {
    return `alpha_mask${keySuffix} is ${describe(alphaMask.header)}, not (${pixels.join(', ')}) floats`;
  }
  if (originalSize === undefined || !originalSize.every((side) => Number.isSafeInteger(side) && side > 0))
    return `original_size${keySuffix} is missing or no width and height`;
  if (cropLtrb === undefined || !cropLtrb.every(Number.isFinite))
    return `crop_ltrb${keySuffix} is missing or no four numbers`;
  return undefined;
}

function isFloats(header: NpyHeader, shape: readonly number[]): boolean {
  return FLOATS.test(header.descr) && header.shape.join() === shape.join();
}

function describe({ descr, shape }: NpyHeader): string {
  return `${descr} (${shape.join(', ')})`;
}

function finding(message: string): Finding {
  return {
    code: 'ERR_CACHE_CONTENT',
    message,
    remedy: 'Make it again: the trainer stops on it, or trains on something else.',
    removable: true,
  };
}

import type { EncoderInfo, Moments } from '../encoder/encoder.js';
import { LatentCacheError } from '../errors.js';

/** Moments of some images, and what encoded each. */
export interface EncodedBatch {
  readonly moments: Moments;
  /** One for each image. */
  readonly by: readonly EncoderInfo[];
}

/** Batches of one size, one after the other. */
export function joinBatches(parts: readonly EncodedBatch[]): EncodedBatch {
  const [first] = parts;
  if (first === undefined) throw new LatentCacheError('ERR_ARGUMENT', 'nothing to join');
  if (parts.length === 1) return first;
  const { channels, width, height } = first.moments;
  const repeatedInFloat32: number[] = [];
  let count = 0;
  for (const { moments } of parts) {
    for (const index of moments.repeatedInFloat32 ?? []) repeatedInFloat32.push(count + index);
    count += moments.count;
  }
  const joined = (select: (moments: Moments) => Float32Array): Float32Array => {
    const values = new Float32Array(count * channels * width * height);
    let at = 0;
    for (const { moments } of parts) {
      values.set(select(moments), at);
      at += select(moments).length;
    }
    return values;
  };
  return {
    moments: {
      mean: joined(({ mean }) => mean),
      logvar: joined(({ logvar }) => logvar),
      count,
      channels,
      width,
      height,
      repeatedInFloat32,
    },
    by: parts.flatMap(({ by }) => by),
  };
}

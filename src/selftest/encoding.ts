/** Encoding, and how far the moments may be off in each precision. */

import type { Size } from '../dataset/bucket.js';
import type { Encoder, ImageBatch, Moments } from '../encoder/encoder.js';
import {
  checkValues,
  deviationOf,
  equalBits,
  type Limits,
  MOMENTS,
  type MomentName,
  type MomentValues,
} from './compare.js';
import type { EncoderCase, MomentCase } from './known-answers.js';
import { coarseLimits, doubled, float32Limits, isCoarse } from './limits.js';

/** @throws CheckFailure for another number of values than the images have, or some that are not finite */
export async function encode(encoder: Encoder, batch: ImageBatch, signal: AbortSignal): Promise<Moments> {
  const moments = await encoder.encodeBatch(batch, { signal });
  const { latentChannels, stride } = encoder.info;
  const length = (batch.images.length * latentChannels * batch.width * batch.height) / (stride * stride);
  for (const moment of MOMENTS) checkValues(moment, moments[moment], length);
  return moments;
}

export function sameMoments(left: MomentValues, right: MomentValues): boolean {
  return MOMENTS.every((moment) => equalBits(left[moment], right[moment]));
}

/** Of a known answer. */
export function caseLimits(one: MomentCase, precision: string, moment: MomentName): Limits {
  return isCoarse(precision) ? coarseLimits(one.arithmetic[precision][moment]) : float32Limits(one);
}

/** The largest error of the emulated arithmetic over the cases, as a part of the values' deviation. */
function worstRounding(cases: readonly EncoderCase[], precision: string): Record<MomentName, number> {
  return eachMoment((moment) =>
    isCoarse(precision)
      ? Math.max(
          ...cases.map(({ arithmetic, right }) => arithmetic[precision][moment] / deviationOf(right[moment])),
        )
      : 0,
  );
}

export function eachMoment<T>(make: (moment: MomentName) => T): Record<MomentName, T> {
  return { mean: make('mean'), logvar: make('logvar') };
}

/** Of an image whose right moments were computed, not known beforehand: both sides may be off. */
export function computedLimits(
  cases: readonly EncoderCase[],
  precision: string,
  size: Size,
  right: MomentValues,
): Record<MomentName, Limits> {
  const worst = worstRounding(cases, precision);
  return eachMoment((moment) =>
    isCoarse(precision)
      ? coarseLimits(worst[moment] * deviationOf(right[moment]))
      : doubled(float32Limits(size)),
  );
}

/** When both sides are computed in this precision. */
export function mutualLimits(...given: Parameters<typeof computedLimits>): Record<MomentName, Limits> {
  const [, precision] = given;
  const limits = computedLimits(...given);
  return isCoarse(precision) ? eachMoment((moment) => doubled(limits[moment])) : limits;
}

/** One VAE in every precision that the device has, against answers that others have computed. */
import type { Encoder, ImageBatch, Moments, PlannedSize } from '../../encoder/encoder.js';
import type { PrecisionName } from '../../encoder/precision-names.js';
import { LatentCacheError } from '../../errors.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import { type Checklist, Skip } from '../checklist.js';
import {
  type Comparison,
  checkValues,
  compareAll,
  deviationOf,
  equalBits,
  imageOf,
  type Limits,
  MOMENTS,
  type MomentName,
  type MomentValues,
} from '../compare.js';
import { CheckFailure } from '../failure.js';
import type { EncoderCase, NetworkName } from '../known-answers.js';
import { coarseLimits, doubled, float32Limits, isCoarse } from '../limits.js';
import type { Figures } from '../report.js';
import { seededImage } from '../seeded-images.js';
import type { Target } from '../target.js';

/** What an independent encoder has computed beforehand. */
export interface ReferenceCase {
  readonly batch: ImageBatch;
  readonly right: MomentValues;
}

export interface PrecisionsOptions {
  readonly network: NetworkName;
  readonly weights: VaeEncoderWeights;
  readonly cases: readonly EncoderCase[];
  readonly references: readonly ReferenceCase[];
  /** Why there are no references. */
  readonly noReferences: string | null;
  /** Whether sizes get an engine of their own in this precision; the others share one. */
  readonly hasOwnEngines: (precision: PrecisionName, size: { readonly width: number }) => boolean;
  /** Whether there is time for one more precision. */
  readonly hasTime: () => boolean;
}

export const SIMULATED = 'a simulated GPU computes no latents';
/** Images of the batch, and its size: neither square nor of one that the cases have. */
const BATCH = { count: 3, width: 128, height: 192 };
const OWN_ENGINE = 64;

export async function checkPrecisions(
  list: Checklist,
  target: Target,
  options: PrecisionsOptions,
): Promise<void> {
  for (const precision of target.precisions) {
    const id = `${options.network}.${precision}`;
    if (list.lostDevice) list.skip(id, titleOf(precision), 'the device was lost');
    else if (!options.hasTime()) list.skip(id, titleOf(precision), 'its time is up: see --minutes');
    else await checkPrecision(list, target, options, precision, id);
  }
}

async function checkPrecision(
  list: Checklist,
  target: Target,
  options: PrecisionsOptions,
  precision: PrecisionName,
  id: string,
): Promise<void> {
  const { cases, references, noReferences, weights } = options;
  let encoder: Encoder | undefined;
  await list.run(`${id}.start`, `${options.network} VAE starts in ${precision}`, async () => {
    encoder = await open(target, weights, precision);
    await encoder.prepare?.(plannedSizes(options, precision), {
      signal: list.signal,
      onProgress: ({ phase, seconds, index, total }) =>
        list.note(`${id}: engine ${index} of ${total}, ${phase}, ${Math.round(seconds)} s`),
    });
    return { runtime: encoder.info.runtime };
  });
  if (encoder === undefined) return;
  await using opened = encoder;
  try {
    const numeric = async (name: string, title: string, task: () => Promise<Figures>) => {
      if (list.lostDevice) list.skip(`${id}.${name}`, title, 'the device was lost');
      else if (target.kind === 'simulated') {
        await list.run(`${id}.${name}`, title, async () => {
          await task();
          throw new Skip(SIMULATED);
        });
      } else await list.run(`${id}.${name}`, title, task);
    };
    const compares = target.kind !== 'simulated';
    const worst = worstRounding(cases, precision);
    await numeric('golden', `${precision}: latents equal torch's in float64, within limits`, async () => {
      const comparisons: Comparison[] = [];
      const repeated: number[] = [];
      for (const one of cases) {
        const moments = await encode(opened, batchOf(one), list.signal);
        repeated.push(...(moments.repeatedInFloat32 ?? []));
        comparisons.push({
          name: nameOf(one),
          found: moments,
          right: one.right,
          limits: eachMoment((moment) => caseLimits(one, precision, moment)),
        });
      }
      const figures = compares ? compareAll(comparisons) : {};
      return repeated.length === 0 ? figures : { ...figures, repeatedInFloat32: repeated.length };
    });
    for (const { batch, right } of references) {
      const size = `${batch.width}x${batch.height}`;
      await numeric(
        size,
        `${precision}: ${size} equals float32 of the processor, within limits`,
        async () => {
          const found = await encode(opened, batch, list.signal);
          if (!compares) return {};
          const limits = eachMoment((moment) =>
            isCoarse(precision)
              ? coarseLimits(worst[moment] * deviationOf(right[moment]))
              : doubled(float32Limits(batch)),
          );
          return compareAll([{ name: size, found, right, limits }]);
        },
      );
    }
    if (noReferences !== null)
      list.skip(
        `${id}.reference`,
        `${precision}: larger images equal float32 of the processor`,
        noReferences,
      );
    await numeric('repeat', `${precision}: encoding again gives the same bits`, async () => {
      const batch = batchOf(cases.at(-1)!);
      const [first, again] = [
        await encode(opened, batch, list.signal),
        await encode(opened, batch, list.signal),
      ];
      if (!sameMoments(first, again)) {
        throw new CheckFailure('SELFTEST_NOT_REPEATABLE', 'the same image gave other bits the second time');
      }
      return { values: first.mean.length };
    });
    await numeric('batch', `${precision}: ${BATCH.count} images at once equal each alone`, async () =>
      checkBatching(opened, precision, worst, compares, list.signal),
    );
  } finally {
    await list.run(`${id}.end`, `${options.network} VAE in ${precision} gives its memory back`, async () => {
      const peakBytes = opened.memory?.held().peak;
      await opened.dispose();
      const held = opened.memory?.held().used ?? 0;
      if (held > 0) {
        throw new CheckFailure('SELFTEST_MEMORY_HELD', 'bytes are held after the end', { heldBytes: held });
      }
      return peakBytes === undefined ? {} : { peakBytes };
    });
  }
}

/** A precision that the device lacks is none that could be tested. */
async function open(target: Target, weights: VaeEncoderWeights, precision: PrecisionName): Promise<Encoder> {
  try {
    return await target.open(weights, { precision });
  } catch (error) {
    if (error instanceof LatentCacheError && error.code === 'ERR_OPTION') throw new Skip(error.message);
    throw error;
  }
}

function plannedSizes(options: PrecisionsOptions, precision: PrecisionName): PlannedSize[] {
  const sizes = [...options.cases, BATCH, ...options.references.map(({ batch }) => batch)];
  return sizes.map(({ width, height }) => ({
    width,
    height,
    images: options.hasOwnEngines(precision, { width }) ? OWN_ENGINE : 1,
  }));
}

async function checkBatching(
  encoder: Encoder,
  precision: PrecisionName,
  worst: Readonly<Record<MomentName, number>>,
  compares: boolean,
  signal: AbortSignal,
): Promise<Figures> {
  const { count, width, height } = BATCH;
  const images = Array.from({ length: count }, (_, index) =>
    seededImage('photo', 900 + index, height, width),
  );
  const together = await encode(encoder, { images, width, height }, signal);
  const comparisons: Comparison[] = [];
  for (const [index, image] of images.entries()) {
    const right = await encode(encoder, { images: [image], width, height }, signal);
    const limits = eachMoment((moment) =>
      isCoarse(precision)
        ? doubled(coarseLimits(worst[moment] * deviationOf(right[moment])))
        : doubled(float32Limits(BATCH)),
    );
    comparisons.push({ name: `image ${index + 1}`, found: imageOf(together, index), right, limits });
  }
  if (!compares) return {};
  if (comparisons.every(({ found, right }) => sameMoments(found, right))) return { sameBits: true };
  return { sameBits: false, ...compareAll(comparisons) };
}

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

function caseLimits(one: EncoderCase, precision: PrecisionName, moment: MomentName): Limits {
  return isCoarse(precision) ? coarseLimits(one.arithmetic[precision][moment]) : float32Limits(one);
}

/** The largest error of the emulated arithmetic over the cases, as a part of the values' deviation. */
export function worstRounding(
  cases: readonly EncoderCase[],
  precision: PrecisionName,
): Record<MomentName, number> {
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

function batchOf({ image, imageSeed, width, height }: EncoderCase): ImageBatch {
  return { images: [seededImage(image, imageSeed, height, width)], width, height };
}

function nameOf({ network, image, width, height }: EncoderCase): string {
  return `${network} ${width}x${height} ${image}`;
}

function titleOf(precision: PrecisionName): string {
  return `VAE in ${precision}`;
}

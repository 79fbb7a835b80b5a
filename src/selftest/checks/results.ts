/** What an open encoder computes: against answers that others have computed, against itself, alone and in batches. */
import type { Encoder, ImageBatch } from '../../encoder/encoder.js';
import { type Checklist, Skip } from '../checklist.js';
import { type Comparison, compareAll, imageOf, type MomentValues } from '../compare.js';
import { caseLimits, computedLimits, eachMoment, encode, mutualLimits, sameMoments } from '../encoding.js';
import { CheckFailure } from '../failure.js';
import type { EncoderCase } from '../known-answers.js';
import type { Figures } from '../report.js';
import { seededImage } from '../seeded-images.js';

/** What an independent encoder has computed beforehand. */
export interface ReferenceCase {
  readonly batch: ImageBatch;
  readonly right: MomentValues;
}

export interface ResultsOptions {
  readonly cases: readonly EncoderCase[];
  readonly references: readonly ReferenceCase[];
  /** Why there are no references. */
  readonly noReferences: string | null;
  /** Whether the latents are any; if not, it is seen that they come, and no more. */
  readonly computes: boolean;
}

/** Images of the batch, and its size: neither square nor of one that the cases have. */
export const BATCH = { count: 3, width: 128, height: 192 };
const SIMULATED = 'a simulated GPU computes no latents';

export async function checkResults(
  list: Checklist,
  encoder: Encoder,
  id: string,
  options: ResultsOptions,
): Promise<void> {
  const { cases, references, noReferences, computes } = options;
  const { signal } = list;
  const { precision } = encoder.info;
  const check = async (name: string, title: string, task: () => Promise<Figures>) => {
    const all = [`${id}.${name}`, `${precision}: ${title}`] as const;
    if (list.lostDevice) return list.skip(...all, 'the device was lost');
    await list.run(...all, async () => {
      const figures = await task();
      if (!computes) throw new Skip(SIMULATED);
      return figures;
    });
  };
  const compare = (comparisons: readonly Comparison[]) => (computes ? compareAll(comparisons) : {});

  await check('golden', "latents equal torch's in float64, within limits", async () => {
    const comparisons: Comparison[] = [];
    let repeatedInFloat32 = 0;
    for (const one of cases) {
      const found = await encode(encoder, batchOf(one), signal);
      repeatedInFloat32 += found.repeatedInFloat32?.length ?? 0;
      const limits = eachMoment((moment) => caseLimits(one, precision, moment));
      comparisons.push({ name: nameOf(one), found, right: one.right, limits });
    }
    return { ...compare(comparisons), ...(repeatedInFloat32 === 0 ? {} : { repeatedInFloat32 }) };
  });
  for (const { batch, right } of references) {
    const name = `${batch.width}x${batch.height}`;
    await check(name, `${name} equals float32 of another encoder, within limits`, async () => {
      const found = await encode(encoder, batch, signal);
      return compare([{ name, found, right, limits: computedLimits(cases, precision, batch, right) }]);
    });
  }
  if (noReferences !== null) {
    list.skip(
      `${id}.reference`,
      `${precision}: larger images equal float32 of another encoder`,
      noReferences,
    );
  }
  await check('repeat', 'encoding again gives the same bits', async () => {
    const batch = batchOf(cases.at(-1)!);
    const first = await encode(encoder, batch, signal);
    if (!sameMoments(first, await encode(encoder, batch, signal))) {
      throw new CheckFailure('SELFTEST_NOT_REPEATABLE', 'the same image gave other bits the second time');
    }
    return {};
  });
  await check('batch', `${BATCH.count} images at once equal each alone`, async () => {
    const comparisons = await encodeTogetherAndAlone(encoder, cases, signal);
    const sameBits = comparisons.every(({ found, right }) => sameMoments(found, right));
    return sameBits ? { sameBits } : { sameBits, ...compare(comparisons) };
  });
}

async function encodeTogetherAndAlone(
  encoder: Encoder,
  cases: readonly EncoderCase[],
  signal: AbortSignal,
): Promise<Comparison[]> {
  const { count, width, height } = BATCH;
  const images = Array.from({ length: count }, (_, index) =>
    seededImage('photo', 900 + index, height, width),
  );
  const together = await encode(encoder, { images, width, height }, signal);
  const comparisons: Comparison[] = [];
  for (const [index, image] of images.entries()) {
    const right = await encode(encoder, { images: [image], width, height }, signal);
    const limits = mutualLimits(cases, encoder.info.precision, BATCH, right);
    comparisons.push({ name: `image ${index + 1}`, found: imageOf(together, index), right, limits });
  }
  return comparisons;
}

function batchOf({ image, imageSeed, width, height }: EncoderCase): ImageBatch {
  return { images: [seededImage(image, imageSeed, height, width)], width, height };
}

function nameOf({ network, image, width, height }: EncoderCase): string {
  return `${network} ${width}x${height} ${image}`;
}

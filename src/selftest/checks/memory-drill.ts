/** Out of memory on purpose: a budget that holds one image where four are wanted, through the governor of a real run. */
import type { Encoder, ImageBatch } from '../../encoder/encoder.js';
import { LatentCacheError } from '../../errors.js';
import { EncoderSet } from '../../memory/encoder-set.js';
import type { MemoryAction } from '../../memory/events.js';
import { Governor } from '../../memory/governor.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import { type Checklist, Skip } from '../checklist.js';
import { type Comparison, compareAll, imageOf, type MomentValues } from '../compare.js';
import { encode, mutualLimits, sameMoments } from '../encoding.js';
import { CheckFailure } from '../failure.js';
import type { EncoderCase } from '../known-answers.js';
import type { Figures } from '../report.js';
import { seededImage } from '../seeded-images.js';
import type { Target } from '../target.js';
import { LARGE, SIZE, SIZES } from './sizes.js';

const IMAGES = 4;

export async function checkMemoryDrill(
  list: Checklist,
  target: Target,
  weights: VaeEncoderWeights,
  cases: readonly EncoderCase[],
): Promise<void> {
  await list.run(
    'memory.drill',
    'too small a budget: batches shrink, what cannot fit is refused, results stay',
    async () => {
      const images = Array.from({ length: IMAGES }, (_, index) =>
        seededImage('photo', 500 + index, SIZE.height, SIZE.width),
      );
      const undisturbed = await encodeFreely(target, weights, images, list.signal);
      return drill(target, weights, cases, images, undisturbed, list.signal);
    },
  );
}

interface Undisturbed {
  readonly right: readonly MomentValues[];
  /** Holds one image, and a byte too little for two. */
  readonly budget: number;
  readonly precision: string;
}

async function encodeFreely(
  target: Target,
  weights: VaeEncoderWeights,
  images: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Undisturbed> {
  await using encoder = await target.open(weights);
  const { memory } = encoder;
  if (memory === undefined) throw new Skip('this encoder does not count its memory');
  await encoder.prepare?.(SIZES, { signal });
  if ((await memory.largestRun(SIZE)) < 2) throw new Skip('one image at a time is all that it does');
  const { weightBytes, arenaBytes } = await memory.needs(SIZE, 2);
  const right: MomentValues[] = [];
  for (const image of images) right.push(await encode(encoder, { ...SIZE, images: [image] }, signal));
  return { right, budget: weightBytes + arenaBytes - 1, precision: encoder.info.precision };
}

async function drill(
  target: Target,
  weights: VaeEncoderWeights,
  cases: readonly EncoderCase[],
  images: readonly Uint8Array[],
  { right, budget, precision }: Undisturbed,
  signal: AbortSignal,
): Promise<Figures> {
  const actions: MemoryAction[] = [];
  let main: Encoder | undefined;
  const encoders = await EncoderSet.start({
    start: async () => {
      main = await target.open(weights, { vramBudget: budget });
      return main;
    },
    startStandIn: () => null,
  });
  const figures: Record<string, number | string | boolean> = { budgetBytes: budget };
  {
    await using governor = new Governor(encoders, {
      batch: IMAGES,
      residency: 'default',
      oomFallback: 'fail',
      onEvent: ({ action }) => actions.push(action),
    });
    const plan = await governor.prepare(SIZES, { signal });
    const planned = plan?.planned.find(({ width }) => width === SIZE.width)?.batch;
    if (planned !== 1) {
      throw new CheckFailure(
        'SELFTEST_NO_REFUSAL',
        `a batch of 1 should be planned, got ${planned ?? 'none'}`,
      );
    }
    const found: MomentValues[] = [];
    for (let at = 0; at < images.length; ) {
      const batch = { ...SIZE, images: images.slice(at, at + (await governor.batchFor(SIZE))) };
      const { moments } = await governor.encode(batch, { signal });
      for (const index of batch.images.keys()) found.push(imageOf(moments, index));
      at += batch.images.length;
    }
    Object.assign(figures, compare(target, cases, precision, found, right));
    await expectRefusal('the governor', (batch) => governor.encode(batch, { signal }));
    Object.assign(
      figures,
      await expectRefusal('the device', (batch) => main!.encodeBatch(batch, { signal })),
    );
    const after = await governor.encode({ ...SIZE, images: images.slice(0, 1) }, { signal });
    compare(target, cases, precision, [imageOf(after.moments, 0)], right.slice(0, 1));
    const { peak } = governor.report();
    if (peak !== null && peak > budget) {
      throw new CheckFailure('SELFTEST_NO_REFUSAL', 'more was held than the budget allows', {
        ...figures,
        peakBytes: peak,
      });
    }
    figures.peakBytes = peak ?? 0;
  }
  const heldBytes = main?.memory?.held().used ?? 0;
  if (heldBytes > 0) {
    throw new CheckFailure('SELFTEST_MEMORY_HELD', 'bytes are held after the end', { heldBytes });
  }
  return { ...figures, actions: [...new Set(actions)].join(' ') };
}

/** @returns the bytes that were missing, where whoever refused knows them */
async function expectRefusal(
  who: string,
  encodeBatch: (batch: ImageBatch) => Promise<unknown>,
): Promise<Figures> {
  const { width, height } = LARGE;
  const error: unknown = await encodeBatch({
    ...LARGE,
    images: [new Uint8Array(width * height * 3)],
  }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) {
    throw new CheckFailure(
      'SELFTEST_NO_REFUSAL',
      `${who} took an image of ${width}x${height} beyond the budget`,
    );
  }
  if (!(error instanceof LatentCacheError) || error.code !== 'ERR_DEVICE_OUT_OF_MEMORY') throw error;
  return error.bytesAsked === undefined ? {} : { refusedBytes: error.bytesAsked };
}

/** Equal to the bit on a processor; a GPU may take other kernels for another budget. */
function compare(
  target: Target,
  cases: readonly EncoderCase[],
  precision: string,
  found: readonly MomentValues[],
  right: readonly MomentValues[],
): Figures {
  if (found.every((moments, index) => sameMoments(moments, right[index]!))) return { sameBits: true };
  if (target.kind !== 'gpu') {
    throw new CheckFailure(
      'SELFTEST_WRONG_RESULT',
      'the results differ from those of a run with enough memory',
    );
  }
  const comparisons = found.map((moments, index): Comparison => {
    const expected = right[index]!;
    const limits = mutualLimits(cases, precision, SIZE, expected);
    return { name: `image ${index + 1}`, found: moments, right: expected, limits };
  });
  return { sameBits: false, ...compareAll(comparisons) };
}

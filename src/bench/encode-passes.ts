/** The encoder alone: pixels in memory, as many calls in flight as it takes. */
import { throwIfAborted } from '../abort.js';
import type { Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';
import type { Encoder, Moments, PlannedSize } from '../encoder/encoder.js';
import { LatentCacheError } from '../errors.js';
import { describeMisfit } from '../memory/advice.js';
import type { NeedsTable } from '../memory/needs-table.js';
import { planBuckets } from '../memory/plan-buckets.js';
import { secondsOf } from './stop-watch.js';

/** Images of one size, by their numbers in the set. */
export interface Batch extends Size {
  readonly images: readonly number[];
}

export interface PlannedBatch extends PlannedSize {
  /** Images a run. */
  readonly batch: number;
  /** Bytes of such a run with the weights; null when the encoder does not tell. */
  readonly bytes: number | null;
}

export interface PassParts {
  readonly encoder: Encoder;
  /** Of each image of the set. */
  readonly pixels: readonly Uint8Array[];
  readonly signal: AbortSignal | undefined;
}

/**
 * What each bucket takes of `wanted` images at once.
 *
 * @throws LatentCacheError ERR_DEVICE_OUT_OF_MEMORY when not even one image of a bucket fits, and why the encoder refuses a
 * size.
 */
export async function planBatches(
  { memory, info }: Encoder,
  buckets: readonly PlannedSize[],
  wanted: number,
  table: NeedsTable,
): Promise<PlannedBatch[]> {
  const most = ({ images }: PlannedSize) => Math.min(wanted, images);
  if (memory === undefined) return buckets.map((size) => ({ ...size, batch: most(size), bytes: null }));
  const batches: PlannedBatch[] = [];
  for (const bucket of buckets) {
    const { planned, refused } = await planBuckets(memory, [bucket], most(bucket), memory.budget, table);
    if (refused[0] !== undefined) throw refused[0].reason;
    const plan = planned[0]!;
    if (plan.batch === 0) {
      throw new LatentCacheError('ERR_DEVICE_OUT_OF_MEMORY', describeMisfit(plan, info, memory.budget), {
        bytesAsked: plan.bytes,
        bytesFree: memory.budget,
      });
    }
    batches.push({ ...bucket, batch: plan.batch, bytes: plan.bytes });
  }
  return batches;
}

/** Cuts images of each bucket into batches. */
export function cutBatches(
  numbers: ReadonlyMap<string, readonly number[]>,
  plan: readonly PlannedBatch[],
): Batch[] {
  return plan.flatMap(({ width, height, batch }) => {
    const images = numbers.get(sizeName({ width, height })) ?? [];
    return Array.from({ length: Math.ceil(images.length / batch) }, (_, index) => ({
      width,
      height,
      images: images.slice(index * batch, (index + 1) * batch),
    }));
  });
}

export interface Pass {
  readonly seconds: number;
  readonly images: number;
  /** Of each batch. */
  readonly moments: readonly Moments[];
}

/** Encodes all batches once, in their order. */
export async function encodePass(
  { encoder, pixels, signal }: PassParts,
  batches: readonly Batch[],
): Promise<Pass> {
  const moments: Moments[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let number = next++; number < batches.length; number = next++) {
      throwIfAborted(signal, 'measuring');
      const { images, width, height } = batches[number]!;
      const batch = { images: images.map((image) => pixels[image]!), width, height };
      moments[number] = await encoder.encodeBatch(batch, signal === undefined ? {} : { signal });
    }
  };
  const calls = Array.from({ length: encoder.info.callsAtOnce }, () => work);
  const { seconds } = await secondsOf(() => settleAll(calls.map((call) => call())));
  return { seconds, images: batches.reduce((sum, { images }) => sum + images.length, 0), moments };
}

/** Nothing is in flight any more when it rejects. */
async function settleAll(calls: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(calls)).find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}

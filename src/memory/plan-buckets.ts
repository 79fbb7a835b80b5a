/** Before any work: how many images of each bucket run at once, and whether one of them fits at all. */
import type { Size } from '../dataset/bucket.js';
import type { EncoderMemory, PlannedSize } from '../encoder/encoder.js';
import type { RunNeeds } from '../encoder/run-needs.js';
import { LatentCacheError } from '../errors.js';
import { countsUpTo, type NeedsTable, totalBytes } from './needs-table.js';
import { onceMore } from './out-of-memory.js';

export interface BucketPlan extends PlannedSize {
  /** Images a run; 0 when not even one fits. */
  readonly batch: number;
  /** Bytes of one run of `batch` images, weights included; of one image when none fits. */
  readonly bytes: number;
  readonly needs: RunNeeds;
}

/** A bucket that the encoder cannot say anything about: the reason is that of the images that fail later. */
export interface RefusedBucket extends PlannedSize {
  readonly reason: LatentCacheError;
}

export interface BucketPlans {
  readonly planned: readonly BucketPlan[];
  readonly refused: readonly RefusedBucket[];
}

/**
 * @param wanted images a run, if there is memory for them
 * @param usable bytes that weights and runs together may take
 */
export async function planBuckets(
  memory: EncoderMemory,
  sizes: readonly PlannedSize[],
  wanted: number,
  usable: number,
  table: NeedsTable,
): Promise<BucketPlans> {
  const planned: BucketPlan[] = [];
  const refused: RefusedBucket[] = [];
  for (const size of sizes) {
    try {
      const plan = async () => {
        const most = Math.min(wanted, await memory.largestRun(size));
        return chooseBatch(memory, size, most, usable, table);
      };
      planned.push({ ...size, ...(await onceMore(plan, () => memory.release(null))) });
    } catch (error) {
      if (!(error instanceof LatentCacheError) || error.code === 'ERR_ABORTED') throw error;
      if (error.code === 'ERR_DEVICE_LOST') throw error;
      refused.push({ ...size, reason: error });
    }
  }
  return { planned, refused };
}

async function chooseBatch(
  memory: EncoderMemory,
  size: Size,
  most: number,
  usable: number,
  table: NeedsTable,
): Promise<Pick<BucketPlan, 'batch' | 'bytes' | 'needs'>> {
  for (const batch of countsUpTo(most)) {
    const needs = await table.get(memory, size, batch);
    const bytes = totalBytes(needs);
    if (bytes <= usable) return { batch, bytes, needs };
    if (batch === 1) return { batch: 0, bytes, needs };
  }
  throw new LatentCacheError('ERR_ENCODER', `The encoder takes no image of ${size.width}x${size.height}`);
}

/**
 * Bytes to hold the weights of every bucket together with the memory of the largest run of `count` images. What a run
 * that no engine takes would need is in proportion.
 */
export function residentBytes({ planned }: BucketPlans, count: number): number {
  const engines = new Map(planned.map(({ needs }) => [needs.engine, needs.weightBytes]));
  const weights = [...engines.values()].reduce((sum, bytes) => sum + bytes, 0);
  const runs = planned.map(({ needs, batch }) => (needs.arenaBytes / Math.max(1, batch)) * count);
  return weights + Math.max(0, ...runs);
}

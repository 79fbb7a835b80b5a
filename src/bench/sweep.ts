/** Looks for the fastest number of images at once that the memory budget allows. */
import { sizeName } from '../dataset/size.js';
import type { Encoder, PlannedSize } from '../encoder/encoder.js';
import { countsUpTo, NeedsTable } from '../memory/needs-table.js';
import { cutBatches, encodePass, type PassParts, type PlannedBatch, planBatches } from './encode-passes.js';

export interface SweepResult {
  readonly batch: number;
  readonly plan: readonly PlannedBatch[];
  /** Seconds an image, one sample a pass. */
  readonly samples: readonly number[];
}

export interface SweepOptions extends PassParts {
  readonly buckets: readonly PlannedSize[];
  /** Numbers of the images in each bucket, by `sizeName`. */
  readonly numbers: ReadonlyMap<string, readonly number[]>;
  /** Only this one. */
  readonly fixed: number | undefined;
  readonly quick: boolean;
  readonly onStep: (batch: number) => void;
}

/** A candidate is run so often, or for so long. */
const PASSES = 3;
const SECONDS = 20;
const QUICK_BATCH = 2;
/** A larger batch that is so much slower is the last one. */
const MUCH_SLOWER = 1.05;
/** Of two that are as fast as that, the smaller one is taken. */
const AS_FAST = 1.01;

/** @returns every candidate, the smallest first */
export async function sweepBatches(options: SweepOptions): Promise<readonly SweepResult[]> {
  const { encoder, buckets, fixed, onStep } = options;
  const table = new NeedsTable();
  const steps: SweepResult[] = [];
  const candidates = fixed === undefined ? await candidateBatches(options) : [fixed];
  for (const batch of candidates) {
    const plan = await planBatches(encoder, buckets, batch, table);
    // no bucket takes more than it took of the last candidate
    if (steps.length > 0 && plan.every((one, index) => one.batch === steps.at(-1)!.plan[index]!.batch))
      continue;
    onStep(batch);
    const step = { batch, plan, samples: await measure(options, plan) };
    steps.push(step);
    if (secondsOfStep(step) > MUCH_SLOWER * fastest(steps)) break;
  }
  return steps;
}

/** The smallest of the fastest. */
export function bestOf(steps: readonly SweepResult[]): SweepResult {
  const limit = AS_FAST * fastest(steps);
  return steps.find((step) => secondsOfStep(step) <= limit)!;
}

async function candidateBatches({ encoder, buckets, quick }: SweepOptions): Promise<number[]> {
  const runs = await Promise.all(buckets.map((size) => largestRun(encoder, size)));
  const most = Math.max(...runs);
  return countsUpTo(quick ? Math.min(most, QUICK_BATCH) : most).toReversed();
}

async function largestRun({ memory, info }: Encoder, size: PlannedSize): Promise<number> {
  const most = memory === undefined ? info.preferredBatchSize : await memory.largestRun(size);
  return Math.min(most, size.images);
}

async function measure(options: SweepOptions, plan: readonly PlannedBatch[]): Promise<number[]> {
  const { encoder, numbers, quick } = options;
  // as many calls of each bucket as are in flight, so that copying and computing overlap
  const few = new Map(
    plan.map((size) => {
      const images = numbers.get(sizeName(size)) ?? [];
      const count = size.batch * encoder.info.callsAtOnce;
      return [sizeName(size), Array.from({ length: count }, (_, index) => images[index % images.length]!)];
    }),
  );
  const batches = cutBatches(few, plan);
  const samples: number[] = [];
  const passes = quick ? 1 : PASSES;
  // the first pass allocates
  await encodePass(options, batches.slice(0, 1));
  for (let total = 0; samples.length < passes && total < SECONDS; ) {
    const { seconds, images } = await encodePass(options, batches);
    samples.push(seconds / images);
    total += seconds;
  }
  return samples;
}

/** By the fastest pass: other programs can only slow one down. */
function secondsOfStep({ samples }: SweepResult): number {
  return Math.min(...samples);
}

function fastest(steps: readonly SweepResult[]): number {
  return Math.min(...steps.map(secondsOfStep));
}

import type { Bucket } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';
import type { BucketCount } from './events.js';
import type { ImageTable } from './image-table.js';
import type { Target } from './options.js';
import { type PlannedImage, planned } from './plan-image.js';
import { BucketList } from './survey-state.js';
import { unitOf, type WorkUnit } from './work-unit.js';

/** What a survey of one target has found to be encoded. */
export interface ChosenImages {
  readonly target: Target;
  readonly table: ImageTable;
  /** Numbers of images, in path order. */
  readonly chosen: readonly number[];
  /** The index of each image's bucket in `buckets`. */
  readonly bucketOf: Uint32Array;
  readonly buckets: readonly Bucket[];
}

export interface BucketWork extends BucketCount {
  /** Images that the encoder gets for its caches: mirrored ones are images of their own. */
  readonly passes: number;
}

/** One cache: an image of a target. */
interface Job {
  readonly source: number;
  readonly image: number;
}

/**
 * The images to be encoded, each with all its caches, grouped by their buckets, the largest bucket first, each group in
 * path order. They are objects only while they are worked on: each time that one is asked for, it is made anew.
 */
export class WorkList implements Iterable<WorkUnit> {
  /** Caches to be made. */
  readonly length: number;
  /** Images that they are of. */
  readonly images: number;
  /** Caches of each bucket, in the order of the work. */
  readonly buckets: readonly BucketWork[];
  readonly #sources: readonly ChosenImages[];
  readonly #jobsOf: (unit: number) => readonly Job[];

  constructor(sources: readonly ChosenImages[]) {
    this.#sources = sources;
    this.length = sources.reduce((sum, { chosen }) => sum + chosen.length, 0);
    const order = sources.length === 1 ? orderOfOne(sources[0]!) : orderOfMany(sources);
    this.images = order.length;
    this.buckets = withControls(order.buckets, sources);
    this.#jobsOf = order.jobsOf;
  }

  /** @param unit 0 … images − 1 */
  at(unit: number): WorkUnit {
    return unitOf(this.#jobsOf(unit).map((job) => this.#place(job)));
  }

  *[Symbol.iterator](): Generator<WorkUnit, void, void> {
    for (let unit = 0; unit < this.images; unit++) yield this.at(unit);
  }

  #place({ source, image }: Job): PlannedImage {
    const { table, target } = this.#sources[source]!;
    return planned(table, image, target);
  }
}

interface Order {
  readonly length: number;
  readonly buckets: readonly BucketWork[];
  jobsOf(unit: number): readonly Job[];
}

/** Of a million images, four bytes each. */
function orderOfOne({ target, chosen, bucketOf, buckets }: ChosenImages): Order {
  const counts = new Uint32Array(buckets.length);
  for (const image of chosen) counts[bucketOf[image]!]!++;
  const sorted = [...buckets.keys()]
    .filter((index) => counts[index]! > 0)
    .sort((a, b) => compareBuckets(buckets[a]!, buckets[b]!));
  const next = new Uint32Array(buckets.length);
  let start = 0;
  for (const index of sorted) {
    next[index] = start;
    start += counts[index]!;
  }
  const order = new Uint32Array(chosen.length);
  for (const image of chosen) order[next[bucketOf[image]!]!++] = image;
  return {
    length: order.length,
    buckets: sorted.map((index) => ({
      ...buckets[index]!,
      images: counts[index]!,
      passes: counts[index]! * passesOf(target),
    })),
    jobsOf: (unit) => [{ source: 0, image: order[unit]! }],
  };
}

/** Control images are passes as well, perhaps in buckets of their own. */
function withControls(
  buckets: readonly BucketWork[],
  sources: readonly ChosenImages[],
): readonly BucketWork[] {
  const paired = sources.filter(({ target }) => target.trainer.controls !== undefined);
  if (paired.length === 0) return buckets;
  const all = new Map(buckets.map((bucket) => [sizeName(bucket), bucket] as const));
  for (const { target, table, chosen } of paired) {
    for (const image of chosen) {
      for (const { geometry } of planned(table, image, target).controls) {
        const { width, height } = geometry.bucket;
        const known = all.get(sizeName(geometry.bucket));
        if (known === undefined) all.set(sizeName(geometry.bucket), { width, height, images: 0, passes: 1 });
        else all.set(sizeName(geometry.bucket), { ...known, passes: known.passes + 1 });
      }
    }
  }
  return [...all.values()].sort(compareBuckets);
}

/** How often the encoder gets an image of a target. */
function passesOf({ flipAug }: Target): number {
  return flipAug ? 2 : 1;
}

/** Images with the same set of buckets go together, so that an encoder changes its size as rarely as can be. */
function orderOfMany(sources: readonly ChosenImages[]): Order {
  const list = new BucketList();
  const jobsByPath = new Map<string, (Job & { readonly bucket: number })[]>();
  const counts: { images: number; passes: number }[] = [];
  for (const [source, { target, table, chosen, bucketOf, buckets }] of sources.entries()) {
    const numbers = buckets.map((bucket) => list.numberOf(bucket));
    for (const image of chosen) {
      const bucket = numbers[bucketOf[image]!]!;
      counts[bucket] ??= { images: 0, passes: 0 };
      counts[bucket].images++;
      counts[bucket].passes += passesOf(target);
      const job = { source, image, bucket };
      const path = table.path(image);
      const same = jobsByPath.get(path);
      if (same === undefined) jobsByPath.set(path, [job]);
      else same.push(job);
    }
  }
  const byArea = [...list.list.keys()].sort((a, b) => compareBuckets(list.list[a]!, list.list[b]!));
  const rank = new Uint32Array(byArea.length);
  for (const [place, bucket] of byArea.entries()) rank[bucket] = place;
  const units = [...jobsByPath.values()].map((jobs) =>
    jobs.sort((a, b) => rank[a.bucket]! - rank[b.bucket]!),
  );
  units.sort((a, b) => compareRanks(a, b, rank));
  return {
    length: units.length,
    buckets: byArea
      .filter((bucket) => counts[bucket] !== undefined)
      .map((bucket) => ({ ...list.list[bucket]!, ...counts[bucket]! })),
    jobsOf: (unit) => units[unit]!,
  };
}

/** Stable sorts keep the order of paths within a group. */
function compareRanks(
  a: readonly { readonly bucket: number }[],
  b: readonly { readonly bucket: number }[],
  rank: Uint32Array,
): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = rank[a[index]!.bucket]! - rank[b[index]!.bucket]!;
    if (difference !== 0) return difference;
  }
  return b.length - a.length;
}

/** The largest first, so that memory trouble shows at once. */
function compareBuckets(a: Bucket, b: Bucket): number {
  return b.width * b.height - a.width * a.height || b.width - a.width;
}

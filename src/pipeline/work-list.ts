import type { Bucket } from '../dataset/bucket.js';
import type { BucketCount } from './events.js';
import type { ImageTable } from './image-table.js';
import type { BuildSettings } from './options.js';
import { type PlannedImage, placeImage } from './plan-image.js';

/**
 * The images to be encoded, grouped by bucket, the largest bucket first, each group in path order. They are objects only
 * while they are worked on: each time that one is asked for, it is made anew.
 */
export class WorkList implements Iterable<PlannedImage> {
  readonly length: number;
  /** In the order of the work. */
  readonly buckets: readonly BucketCount[];
  readonly #table: ImageTable;
  readonly #settings: BuildSettings;
  readonly #order: Uint32Array;

  /**
   * @param chosen numbers of images, in path order
   * @param bucketOf the index of each image's bucket in `buckets`
   */
  constructor(
    table: ImageTable,
    settings: BuildSettings,
    chosen: readonly number[],
    bucketOf: Uint32Array,
    buckets: readonly Bucket[],
  ) {
    this.#table = table;
    this.#settings = settings;
    this.length = chosen.length;
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
    this.#order = new Uint32Array(this.length);
    for (const image of chosen) this.#order[next[bucketOf[image]!]!++] = image;
    this.buckets = sorted.map((index) => ({ ...buckets[index]!, images: counts[index]! }));
  }

  at(index: number): PlannedImage {
    const image = this.#order[index]!;
    const table = this.#table;
    return placeImage(table.image(image), table.info(image), table.state(image), this.#settings);
  }

  *[Symbol.iterator](): Generator<PlannedImage, void, void> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }
}

/** The largest first, so that memory trouble shows at once. */
function compareBuckets(a: Bucket, b: Bucket): number {
  return b.width * b.height - a.width * a.height || b.width - a.width;
}

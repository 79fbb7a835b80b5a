import type { Bucket } from '../dataset/bucket.js';
import { sameSize } from '../dataset/size.js';
import { memoryOf } from './prepare-image.js';
import type { WorkUnit } from './work-unit.js';

/** Cuts the work into batches of images with one set of buckets each, as large as is asked for at that moment. */
export class BatchCutter {
  readonly #units: Iterator<WorkUnit>;
  #next: WorkUnit | undefined;

  /**
   * @param work sorted by buckets
   * @param memoryBudget bytes of pixels that may be held at once
   */
  constructor(
    work: Iterable<WorkUnit>,
    private readonly memoryBudget: number,
  ) {
    this.#units = work[Symbol.iterator]();
    this.#advance();
  }

  /** The largest bucket of the next batch; undefined when there is none. */
  get bucket(): Bucket | undefined {
    return this.#next?.variants[0].geometry.bucket;
  }

  /**
   * The next batch, of `size` images or fewer: where their buckets change, and where their pixels together would not fit the
   * memory budget while the last of them is being decoded, so that waiting for memory always ends.
   *
   * @param held bytes of pixels that are not given back before the batch is encoded; none fits beside them: an empty batch
   */
  take(size: number, held: number): WorkUnit[] {
    const batch: WorkUnit[] = [];
    let kept = held;
    for (let unit = this.#next; unit !== undefined && batch.length < size; unit = this.#next) {
      const { preparing, prepared } = memoryOf(unit);
      const [first] = batch;
      const isAlone = first === undefined && held === 0;
      const fits = kept + preparing <= this.memoryBudget && (first === undefined || sameBuckets(first, unit));
      if (!isAlone && !fits) break;
      batch.push(unit);
      kept += prepared.reduce((sum, bytes) => sum + bytes, 0);
      this.#advance();
    }
    return batch;
  }

  /** Whether the next image goes into the same buckets. */
  continues(unit: WorkUnit): boolean {
    return this.#next !== undefined && sameBuckets(unit, this.#next);
  }

  #advance(): void {
    const { done, value } = this.#units.next();
    this.#next = done ? undefined : value;
  }
}

/** Control images may have a bucket each: they wait until several of one are there. */
function sameBuckets(a: WorkUnit, b: WorkUnit): boolean {
  const [left, right] = [bucketsOf(a), bucketsOf(b)];
  return left.length === right.length && left.every((bucket, index) => sameSize(bucket, right[index]!));
}

function bucketsOf({ variants }: WorkUnit): readonly Bucket[] {
  return variants.flatMap(({ control, geometry }) => (control === undefined ? [geometry.bucket] : []));
}

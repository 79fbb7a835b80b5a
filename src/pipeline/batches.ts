import type { Bucket } from '../dataset/bucket.js';
import { sameSize } from '../dataset/size.js';
import type { BuildSettings } from './options.js';
import type { PlannedImage } from './plan-image.js';
import { memoryOf } from './prepare-image.js';

/** Cuts the work into batches of one bucket each, as large as is asked for at that moment. */
export class BatchCutter {
  readonly #items: Iterator<PlannedImage>;
  #next: PlannedImage | undefined;

  /** @param work sorted by bucket */
  constructor(
    work: Iterable<PlannedImage>,
    private readonly settings: BuildSettings,
  ) {
    this.#items = work[Symbol.iterator]();
    this.#advance();
  }

  /** Of the next batch; undefined when there is none. */
  get bucket(): Bucket | undefined {
    return this.#next?.geometry.bucket;
  }

  /**
   * The next batch, of `size` images or fewer: where a bucket ends, and where their pixels together would not fit the
   * memory budget while the last of them is being decoded, so that waiting for memory always ends.
   */
  take(size: number): PlannedImage[] {
    const batch: PlannedImage[] = [];
    let held = 0;
    for (let item = this.#next; item !== undefined && batch.length < size; item = this.#next) {
      const { preparing, prepared } = memoryOf(item, this.settings);
      const [first] = batch;
      const fits =
        first === undefined ||
        (sameSize(first.geometry.bucket, item.geometry.bucket) &&
          held + preparing <= this.settings.memoryBudget);
      if (!fits) break;
      batch.push(item);
      held += prepared;
      this.#advance();
    }
    return batch;
  }

  #advance(): void {
    const { done, value } = this.#items.next();
    this.#next = done ? undefined : value;
  }
}

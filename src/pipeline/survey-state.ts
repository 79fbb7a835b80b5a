import type { Bucket, Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';
import { LatentCacheError } from '../errors.js';
import type { FailedEvent } from './events.js';
import type { LookContext } from './look-at-images.js';
import type { NoticeCollector } from './notices.js';
import { type PlannedImage, planned } from './plan-image.js';
import type { StaleFile } from './stale-file.js';

/** What becomes of an image. */
export const FATE = {
  failed: 0,
  kept: 1,
  encode: 2,
  /** The manifest does not tell. */
  unknown: 3,
} as const;

/** Distinct buckets and their numbers. */
export class BucketList {
  readonly list: Bucket[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf({ width, height }: Bucket): number {
    const key = sizeName({ width, height });
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.list.push({ width, height }) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}

/** What all folders of a survey share, and where their findings go. Images are the numbers of the table. */
export class SurveyState {
  /** One of FATE for each image. */
  readonly fates: Uint8Array;
  /** Number of each image's bucket. */
  readonly bucketOf: Uint32Array;
  readonly buckets = new BucketList();
  /** Images to be encoded, in path order. */
  chosen: number[] = [];
  /** That caches will be written to. */
  readonly folders: string[] = [];
  readonly inTheWay = new Map<string, StaleFile[]>();
  readonly failures: FailedEvent[] = [];

  constructor(
    readonly context: LookContext,
    readonly notices: NoticeCollector,
    private readonly signal: AbortSignal | undefined,
    private readonly onSeen: () => void,
  ) {
    this.fates = new Uint8Array(context.table.length);
    this.bucketOf = new Uint32Array(context.table.length);
  }

  keepChosen(isKept: (image: number) => boolean): void {
    this.chosen = this.chosen.filter(isKept);
  }

  plan(image: number): PlannedImage {
    const { table, target } = this.context;
    return planned(table, image, target);
  }

  /** The size by which an image's cache is named. */
  listed(image: number): Size {
    const { table, target } = this.context;
    return table.listed(image) ?? target.trainer.listedSize(table.info(image));
  }

  countSeen(): void {
    this.onSeen();
  }

  throwIfAborted(): void {
    if (this.signal?.aborted) throw new LatentCacheError('ERR_ABORTED', 'Ended before anything was encoded');
  }
}

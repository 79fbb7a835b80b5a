/** Which batches ran, as a list that stays short however long the run is. */

import type { Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';

/** So many images of a size ran in batches of this many at most, one after the other. */
export interface BatchSpan {
  readonly batch: number;
  readonly images: number;
}

export interface BucketHistory extends Size {
  /** What the plan allowed; null when the encoder knows nothing about its memory. */
  readonly planned: number | null;
  /** The first changes; `images` of the last goes on counting when there were more. */
  readonly spans: readonly BatchSpan[];
  readonly changes: number;
}

const MOST_SPANS = 64;

interface Entry extends Size {
  planned: number | null;
  changes: number;
  last: number | undefined;
  readonly spans: { batch: number; images: number }[];
}

export class BatchHistory {
  readonly #entries = new Map<string, Entry>();

  plan({ width, height }: Size, planned: number | null): void {
    this.#entries.set(sizeName({ width, height }), {
      width,
      height,
      planned,
      changes: 0,
      last: undefined,
      spans: [],
    });
  }

  /** @param limit images that could have run at once; the last batch of a size has fewer */
  add(size: Size, limit: number, images: number): void {
    if (!this.#entries.has(sizeName(size))) this.plan(size, null);
    const entry = this.#entries.get(sizeName(size))!;
    const hasChanged = entry.last !== undefined && entry.last !== limit;
    if (hasChanged) entry.changes++;
    entry.last = limit;
    const span = entry.spans.at(-1);
    if (span !== undefined && (span.batch === limit || entry.spans.length >= MOST_SPANS))
      span.images += images;
    else entry.spans.push({ batch: limit, images });
  }

  report(): BucketHistory[] {
    return [...this.#entries.values()]
      .filter(({ spans }) => spans.length > 0)
      .map(({ last: _last, ...entry }) => entry);
  }
}

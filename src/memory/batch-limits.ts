/** How many images of a size run at once: learnt from what failed and from what went well. */

import type { Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';

/** Runs in a row that must go well before more images are tried again. */
const RUNS_BEFORE_GROWTH = 16;
/** A count that ran out of memory this often is never tried again. */
const FAILURES_FOR_GOOD = 2;

interface SizeLimit extends Size {
  /** What the plan allows. */
  planned: number;
  limit: number;
  goodRuns: number;
  readonly failures: Map<number, number>;
}

export class BatchLimits {
  readonly #sizes = new Map<string, SizeLimit>();

  /** Sets what the plan allows, at least 1. */
  plan({ width, height }: Size, planned: number): void {
    this.#sizes.set(sizeName({ width, height }), {
      width,
      height,
      planned,
      limit: planned,
      goodRuns: 0,
      failures: new Map(),
    });
  }

  get(size: Size): number {
    return this.#of(size).limit;
  }

  /** Whether one image alone has run out of memory too often. */
  isHopeless(size: Size): boolean {
    return this.#neverAgain(this.#of(size), 1);
  }

  /**
   * `count` images ran out of memory: half as many from now on, also of every larger size.
   *
   * @returns the new limit of this size
   */
  failed(size: Size, count: number): number {
    const own = this.#of(size);
    own.failures.set(count, (own.failures.get(count) ?? 0) + 1);
    const half = Math.max(1, Math.floor(count / 2));
    for (const other of this.#sizes.values()) {
      if (area(other) < area(own)) continue;
      other.limit = Math.min(other.limit, half);
      other.goodRuns = 0;
    }
    return own.limit;
  }

  /**
   * A run of `count` images went well. After enough of them twice as many are allowed, up to the plan and below what
   * failed twice.
   *
   * @returns the new limit when it has grown
   */
  succeeded(size: Size, count: number): number | undefined {
    const own = this.#of(size);
    if (count < own.limit || own.limit >= own.planned) return undefined;
    if (++own.goodRuns < RUNS_BEFORE_GROWTH) return undefined;
    own.goodRuns = 0;
    const next = this.#allowed(own, Math.min(own.planned, own.limit * 2));
    if (next <= own.limit) return undefined;
    own.limit = next;
    return next;
  }

  #of(size: Size): SizeLimit {
    const known = this.#sizes.get(sizeName(size));
    if (known !== undefined) return known;
    this.plan(size, 1);
    return this.#sizes.get(sizeName(size))!;
  }

  #allowed(own: SizeLimit, wanted: number): number {
    let count = wanted;
    while (count > own.limit && this.#neverAgain(own, count)) count--;
    return count;
  }

  /** What failed twice with fewer images, or with a smaller size, will not do better with more. */
  #neverAgain(own: SizeLimit, count: number): boolean {
    return [...this.#sizes.values()].some(
      (other) =>
        area(other) <= area(own) &&
        [...other.failures].some(([failed, times]) => failed <= count && times >= FAILURES_FOR_GOOD),
    );
  }
}

function area({ width, height }: Size): number {
  return width * height;
}

/**
 * Notices memory that was moved to the host. On WSL and Windows an allocation beyond the card's memory does not fail:
 * it lands in main memory, and every run that touches it is several times slower.
 */

import type { Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';

/** Slower than this many times the usual is no noise. */
const SLOWDOWN = 3;
/** Below this a run is slow for whatever the host does: decoding, collecting garbage. */
const LEAST_SECONDS = 0.1;
/** Runs that make what is usual, and runs in a row that make a fall. */
const RUNS = 3;

interface Speed {
  /** Seconds an image of the first runs, the best of them. */
  usual: number;
  seen: number;
  slowRuns: number;
}

export class SpeedWatch {
  readonly #speeds = new Map<string, Speed>();

  /**
   * Counts one run.
   *
   * @returns how many times slower than usual, when the last runs all were; undefined otherwise
   */
  note(size: Size, images: number, seconds: number): number | undefined {
    const each = seconds / images;
    const speed = this.#speeds.get(sizeName(size)) ?? {
      usual: Number.POSITIVE_INFINITY,
      seen: 0,
      slowRuns: 0,
    };
    this.#speeds.set(sizeName(size), speed);
    if (speed.seen++ < RUNS) {
      speed.usual = Math.min(speed.usual, each);
      return undefined;
    }
    const isSlow = seconds >= LEAST_SECONDS && each > SLOWDOWN * speed.usual;
    speed.slowRuns = isSlow ? speed.slowRuns + 1 : 0;
    if (speed.slowRuns < RUNS) return undefined;
    speed.slowRuns = 0;
    return each / speed.usual;
  }
}

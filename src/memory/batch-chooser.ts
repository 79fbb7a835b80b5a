/** How many images the next run has: what was learnt, and what other programs have left of the memory. */

import type { Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';
import type { EncoderMemory } from '../encoder/encoder.js';
import { GPU_MEMORY } from '../encoder/memory-budget.js';
import { LatentCacheError } from '../errors.js';
import { BatchLimits } from './batch-limits.js';
import { DeviceWatch } from './device-watch.js';

import { countsUpTo, NeedsTable, totalBytes } from './needs-table.js';

/** Above what a larger batch needs: memory that has just become free may go again. */
const MARGIN = 1.1;
/** Left free on a device, as in `resolveBudget`. */
export const RESERVE_BYTES = GPU_MEMORY.reserveBytes;

export interface Choice {
  readonly count: number;
  /** What was allowed before; equal to `count` when nothing has changed. */
  readonly before: number;
  /** Bytes free on the device; null when it could not be asked. */
  readonly free: number | null;
}

export class BatchChooser {
  readonly limits = new BatchLimits();
  needs = new NeedsTable();
  #memory: EncoderMemory | undefined;
  #watch: DeviceWatch | undefined;
  /** What the memory allowed last, by size. */
  readonly #squeezed = new Map<string, number>();

  /** From now on this encoder's memory counts. */
  attach(memory: EncoderMemory | undefined): void {
    this.#memory = memory;
    this.#watch = memory === undefined ? undefined : new DeviceWatch(memory, RESERVE_BYTES);
    this.needs = new NeedsTable();
  }

  /** Images a run, as it was chosen last. */
  allowed(size: Size): number {
    return Math.min(this.limits.get(size), this.#squeezed.get(sizeName(size)) ?? Number.POSITIVE_INFINITY);
  }

  async choose(size: Size): Promise<Choice> {
    const before = this.allowed(size);
    const room = await this.#watch?.room();
    if (room === undefined) return { count: before, before, free: null };
    let count = 1;
    for (const candidate of countsUpTo(this.limits.get(size))) {
      const needed = await this.#bytesOf(size, candidate);
      if (needed * (candidate > before ? MARGIN : 1) > room.usable) continue;
      count = candidate;
      break;
    }
    this.#squeezed.set(sizeName(size), count);
    return { count, before, free: room.free };
  }

  /** Bytes of a run of this size as it was chosen last, weights included. */
  bytesFor(size: Size): Promise<number> {
    return this.#bytesOf(size, this.allowed(size));
  }

  /** Whether one image fits into what is free now. */
  async hasRoomFor(size: Size): Promise<boolean> {
    const room = await this.#watch?.room();
    if (room === undefined || this.limits.isHopeless(size)) return false;
    return (await this.#bytesOf(size, 1)) * MARGIN <= room.usable;
  }

  /** Something was freed or taken: the device is asked again. */
  forget(): void {
    this.#watch?.forget();
  }

  /** Bytes free on the device, asked now; null when nobody can tell. */
  async freeNow(): Promise<number | null> {
    this.forget();
    return (await this.#watch?.room())?.free ?? null;
  }

  /** 0 when the encoder refuses to say: encoding will have the reason. */
  async #bytesOf(size: Size, count: number): Promise<number> {
    try {
      return totalBytes(await this.needs.get(this.#memory!, size, count));
    } catch (error) {
      if (error instanceof LatentCacheError) return 0;
      throw error;
    }
  }
}

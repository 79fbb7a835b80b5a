/** What runs need, asked once: the question may load an engine. */

import type { Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';
import type { EncoderMemory } from '../encoder/encoder.js';
import type { RunNeeds } from '../encoder/run-needs.js';

export class NeedsTable {
  readonly #known = new Map<string, RunNeeds>();

  /** @throws LatentCacheError as `EncoderMemory.needs` */
  async get(memory: EncoderMemory, size: Size, count: number): Promise<RunNeeds> {
    const key = `${count}x${sizeName(size)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const needs = await memory.needs(size, count);
    this.#known.set(key, needs);
    return needs;
  }
}

/** Bytes of one run with the weights that it uses. */
export function totalBytes({ weightBytes, arenaBytes }: RunNeeds): number {
  return weightBytes + arenaBytes;
}

/** `wanted`, then the powers of two below it: few counts, which is what engines are measured for. */
export function countsUpTo(wanted: number): number[] {
  const counts = [wanted];
  for (let power = 2 ** Math.ceil(Math.log2(wanted)) / 2; power >= 1; power /= 2) counts.push(power);
  return counts.filter((count, index) => count >= 1 && counts.indexOf(count) === index);
}

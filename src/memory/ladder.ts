/**
 * What is tried when memory ran out, from the cheapest step down: free scratch and repeat, half of the images, one
 * image, attention in more pieces, the CPU. Whoever calls sees to it that nothing else runs on the device.
 */

import type { Size } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';
import type { EncodeOptions, Encoder, ImageBatch } from '../encoder/encoder.js';
import { LatentCacheError } from '../errors.js';
import { mebibytes } from '../mebibytes.js';
import type { BatchLimits } from './batch-limits.js';
import type { EncoderSet, StandInKind } from './encoder-set.js';
import type { MemoryAction } from './events.js';
import { type EncodedBatch, joinBatches } from './join-moments.js';
import { isOutOfMemory } from './out-of-memory.js';

export interface LadderParts {
  readonly encoders: EncoderSet;
  readonly limits: BatchLimits;
  readonly fallback: 'cpu' | 'fail';
  readonly run: (encoder: Encoder, batch: ImageBatch, options: EncodeOptions) => Promise<EncodedBatch>;
  readonly tell: (action: MemoryAction, message: string, bucket: Size, batch: number) => void;
}

/** In the order in which they are tried. */
const STEPS: readonly Exclude<StandInKind, 'precise'>[] = ['sliced', 'cpu'];

const STEP_TEXTS = {
  sliced: 'One image does not fit: the attention is computed in more pieces',
  cpu: 'One image does not fit on the device: these images go to the CPU',
} as const;

export class Ladder {
  readonly #parts: LadderParts;
  /** Sizes that do not go to the encoder of the run, and which stand-in serves them; null: not known yet. */
  readonly #detours = new Map<string, StandInKind | null>();
  /** Sizes that no budget of this run has room for. */
  readonly #misfits = new Set<string>();
  /** Stand-ins that ran out of memory as well, by size. */
  readonly #useless = new Map<string, Set<StandInKind>>();

  constructor(parts: LadderParts) {
    this.#parts = parts;
  }

  isDetoured(size: Size): boolean {
    return this.#detours.has(sizeName(size));
  }

  /** Images of this size do not fit, as is known before trying. */
  neverFits(size: Size): void {
    this.#misfits.add(sizeName(size));
    this.#detours.set(sizeName(size), null);
  }

  /** There may be room again for images of this size. */
  returnToMain(size: Size): void {
    if (this.#misfits.has(sizeName(size))) return;
    this.#detours.delete(sizeName(size));
    this.#useless.delete(sizeName(size));
  }

  /** Encodes a batch in pieces as small as its size has come to need. */
  async encode(batch: ImageBatch, options: EncodeOptions): Promise<EncodedBatch> {
    if (this.isDetoured(batch)) return this.#oneByOne(batch, options, undefined);
    return this.#inPieces(batch, options);
  }

  /** @param error what the whole batch failed with */
  async descend(batch: ImageBatch, error: LatentCacheError, options: EncodeOptions): Promise<EncodedBatch> {
    const { encoders, limits, run, tell } = this.#parts;
    const count = batch.images.length;
    if (count > limits.get(batch)) return this.#inPieces(batch, options); // another batch has learnt it meanwhile
    tell('retry', `${describe(error)}: freeing what is not needed and trying again`, batch, count);
    await encoders.main.memory?.release(null);
    try {
      return await run(encoders.main, batch, options);
    } catch (again) {
      if (!isOutOfMemory(again)) throw again;
      const limit = limits.failed(batch, count);
      if (count === 1) return this.#oneByOne(batch, options, again);
      tell('smaller', `${describe(again)}: ${limit} at once`, batch, limit);
      return this.#inPieces(batch, options);
    }
  }

  /** Starts it if need be, with the device's memory free for it. */
  async standIn(kind: StandInKind): Promise<Encoder | null> {
    const { encoders } = this.#parts;
    await encoders.main.memory?.release(null);
    return encoders.standIn(kind);
  }

  async #inPieces(batch: ImageBatch, options: EncodeOptions): Promise<EncodedBatch> {
    const { encoders, limits, run } = this.#parts;
    const parts: EncodedBatch[] = [];
    for (let at = 0; at < batch.images.length; ) {
      const images = batch.images.slice(at, at + limits.get(batch));
      const piece = { ...batch, images };
      at += images.length;
      if (this.isDetoured(batch)) {
        parts.push(await this.#oneByOne(piece, options, undefined));
        continue;
      }
      try {
        parts.push(await run(encoders.main, piece, options));
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        parts.push(await this.descend(piece, error, options));
      }
    }
    return joinBatches(parts);
  }

  async #oneByOne(
    batch: ImageBatch,
    options: EncodeOptions,
    error: LatentCacheError | undefined,
  ): Promise<EncodedBatch> {
    const parts: EncodedBatch[] = [];
    for (const image of batch.images) {
      parts.push(await this.#stepAside({ ...batch, images: [image] }, options, error));
    }
    return joinBatches(parts);
  }

  async #stepAside(
    image: ImageBatch,
    options: EncodeOptions,
    error: LatentCacheError | undefined,
  ): Promise<EncodedBatch> {
    let last = error;
    const useless = this.#useless.get(sizeName(image)) ?? new Set();
    this.#useless.set(sizeName(image), useless);
    for (const kind of STEPS) {
      if (useless.has(kind) || (kind === 'cpu' && this.#parts.fallback === 'fail')) continue;
      const encoder = await this.standIn(kind);
      if (encoder === null) {
        useless.add(kind);
        last ??= this.#parts.encoders.failures.get(kind);
        continue;
      }
      if (this.#detours.get(sizeName(image)) !== kind) {
        this.#detours.set(sizeName(image), kind);
        this.#parts.tell(kind, STEP_TEXTS[kind], image, 1);
      }
      try {
        return await this.#parts.run(encoder, image, options);
      } catch (again) {
        if (!isOutOfMemory(again)) throw again;
        useless.add(kind);
        last = again;
      } finally {
        await encoder.memory?.release(null);
      }
    }
    return this.#giveUp(image, last);
  }

  #giveUp(image: ImageBatch, error: LatentCacheError | undefined): never {
    const { limits, fallback, tell } = this.#parts;
    if (!limits.isHopeless(image)) this.returnToMain(image); // the next one may come at a better time
    const why = error === undefined ? 'it needs more memory than there is' : describe(error);
    tell('gave-up', `No way to encode an image of ${sizeName(image)}: ${why}`, image, 0);
    const { bytesAsked, bytesFree } = error ?? {};
    throw new LatentCacheError(
      error?.code ?? 'ERR_DEVICE_OUT_OF_MEMORY',
      `An image of ${sizeName(image)} does not fit: ${why}`,
      {
        bytesAsked,
        bytesFree,
        cause: error,
        remedy:
          fallback === 'fail'
            ? 'Use --oom-fallback cpu, a smaller --resolution or a larger --vram-budget, then run again.'
            : 'Use a smaller --resolution or a larger --vram-budget, or close other programs, then run again.',
      },
    );
  }
}

function describe({ message, bytesAsked, bytesFree }: LatentCacheError): string {
  if (bytesAsked === undefined || bytesFree === undefined) return message;
  return `${mebibytes(bytesAsked)} were asked for and ${mebibytes(bytesFree)} free`;
}

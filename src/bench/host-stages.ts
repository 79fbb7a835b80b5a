/** The stages besides the encoder, each alone: one image after the other. */
import { rm } from 'node:fs/promises';
import { throwIfAborted } from '../abort.js';
import type { EncoderInfo, Moments } from '../encoder/encoder.js';
import type { NativeBinding } from '../native/binding.js';
import { type StoreContext, storeImage } from '../pipeline/encode-batch.js';
import { decodeUnit, readSource, resizeVariant } from '../pipeline/prepare-image.js';
import { subjectOf, type WorkUnit } from '../pipeline/work-unit.js';
import { PixelPool } from '../pixels/pixel-pool.js';
import { secondsOf } from './stop-watch.js';

export interface HostParts {
  readonly items: readonly WorkUnit[];
  readonly binding: NativeBinding;
  readonly repetitions: number;
  readonly signal: AbortSignal | undefined;
}

export interface PreparedPixels {
  /** Seconds, one sample for each image and repetition. */
  readonly decode: readonly number[];
  readonly resize: readonly number[];
  /** (bucket height, bucket width, 3) uint8 of each image. */
  readonly pixels: readonly Uint8Array[];
}

/** A first round is a warm-up and gives the pixels. Decoding is from bytes in memory. */
export async function measurePreparation(parts: HostParts): Promise<PreparedPixels> {
  const { items, binding, repetitions, signal } = parts;
  const decode: number[] = [];
  const resize: number[] = [];
  const pixels: Uint8Array[] = [];
  const pool = new PixelPool(1);
  for (let round = 0; round <= repetitions; round++) {
    for (const item of items) {
      throwIfAborted(signal, 'measuring');
      const { bytes } = await readSource(subjectOf(item), binding);
      const decoding = await secondsOf(() => decodeUnit(item, bytes, binding));
      const resizing = await secondsOf(() => resizeVariant(item.variants[0], decoding.result, binding, pool));
      if (round === 0) {
        pixels.push(resizing.result.rgb);
      } else {
        decode.push(decoding.seconds);
        resize.push(resizing.seconds);
        pool.give(resizing.result.rgb);
      }
    }
  }
  return { decode, resize, pixels };
}

/**
 * Checks and writes caches, each synced to the disk, where none was.
 *
 * @param moments of each image
 * @returns seconds, one sample for each image and repetition
 */
export async function measureWriting(
  { items, repetitions, signal }: HostParts,
  moments: readonly Pick<Moments, 'mean' | 'logvar'>[],
  by: EncoderInfo,
  store: StoreContext,
): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let round = 0; round <= repetitions; round++) {
    for (const [index, item] of items.entries()) {
      throwIfAborted(signal, 'measuring');
      const cache = subjectOf(item);
      await rm(cache.cachePath, { force: true });
      const straight = { ...moments[index]!, inFloat32: false, by };
      const source = { bytes: cache.info.bytes, sha256: '0'.repeat(64) };
      const prepared = {
        variant: item.variants[0],
        rgb: new Uint8Array(),
        flipped: null,
        alpha: null,
        source,
        iccIgnored: false,
      };
      const image = { prepared, straight, flipped: null, inFloat32: false, by };
      const { seconds } = await secondsOf(() => storeImage(image, cache, store));
      if (round > 0) samples.push(seconds);
    }
  }
  return samples;
}

import type { Bucket } from '../dataset/bucket.js';
import { sizeName } from '../dataset/size.js';
import { type PreparedImage, preparedBytes } from './prepare-image.js';

/** Pixels that wait for their bucket's turn, while another bucket of the same images is encoded. */
export class WaitingImages {
  readonly #lanes = new Map<string, PreparedImage[]>();
  #bytes = 0;

  /** Of all pixels that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whose turn is next; undefined when nothing waits. */
  get bucket(): Bucket | undefined {
    const [lane] = this.#lanes.values();
    return lane?.[0]?.variant.geometry.bucket;
  }

  add(image: PreparedImage): void {
    const key = sizeName(image.variant.geometry.bucket);
    const lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, [image]);
    else lane.push(image);
    this.#bytes += preparedBytes(image.variant);
  }

  /** The next images of `bucket`, at most `size`. */
  take(size: number): readonly PreparedImage[] {
    const [first] = this.#lanes;
    if (first === undefined) return [];
    const [key, lane] = first;
    const images = lane.splice(0, size);
    if (lane.length === 0) this.#lanes.delete(key);
    for (const { variant } of images) this.#bytes -= preparedBytes(variant);
    return images;
  }
}

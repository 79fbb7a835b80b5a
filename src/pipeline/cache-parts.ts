import type { LatentPart } from './encode-batch.js';
import type { PlannedImage } from './plan-image.js';

/** Latents of an image and of its control images, which lie in different batches, until all of a cache are there. */
export class CacheParts {
  readonly #parts = new WeakMap<PlannedImage, (LatentPart | undefined)[]>();
  readonly #failed = new WeakSet<PlannedImage>();

  /**
   * @param control which of the cache's control images; undefined for the image itself
   * @returns all of the cache when the last is there: the image's, then those of its control images
   */
  add(
    cache: PlannedImage,
    control: number | undefined,
    part: LatentPart,
  ): readonly [LatentPart, ...LatentPart[]] | undefined {
    let parts = this.#parts.get(cache);
    if (parts === undefined) {
      parts = new Array<LatentPart | undefined>(1 + cache.controls.length).fill(undefined);
      this.#parts.set(cache, parts);
    }
    parts[control === undefined ? 0 : 1 + control] = part;
    if (parts.includes(undefined)) return undefined;
    this.#parts.delete(cache);
    return parts as [LatentPart, ...LatentPart[]];
  }

  /**
   * Gives a cache up: what is made of it later is of no use.
   *
   * @returns false when it was given up before
   */
  fail(cache: PlannedImage): boolean {
    if (this.#failed.has(cache)) return false;
    this.#failed.add(cache);
    this.#parts.delete(cache);
    return true;
  }

  hasFailed(cache: PlannedImage): boolean {
    return this.#failed.has(cache);
  }
}

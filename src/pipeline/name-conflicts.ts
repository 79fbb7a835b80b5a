/** Images that are right by themselves and get into each other's way by their names. */
import { cachePath, parseCacheName } from '../cache/sd-scripts.js';
import type { Size } from '../dataset/bucket.js';
import type { BuildSettings } from './options.js';

/** Images of one output folder by their names without extension, by which the trainer tells caches apart. */
export class PlacedNames {
  readonly #images = new Map<string, number | number[]>();

  add(base: string, image: number): void {
    const known = this.#images.get(base);
    if (known === undefined) this.#images.set(base, image);
    else if (typeof known === 'number') this.#images.set(base, [known, image]);
    else known.push(image);
  }

  /** The image of a name; the last of them where several share it. */
  get(base: string): number | undefined {
    const known = this.#images.get(base);
    return typeof known === 'object' ? known.at(-1) : known;
  }

  delete(base: string): void {
    this.#images.delete(base);
  }

  *[Symbol.iterator](): Generator<[base: string, images: readonly number[]], void, void> {
    for (const [base, images] of this.#images) yield [base, typeof images === 'number' ? [images] : images];
  }
}

/** Images of which none can be made right: they get each other's size or latent. */
export interface Collision {
  readonly base: string;
  readonly images: readonly number[];
  readonly message: string;
}

/**
 * @param pathOf the path of an image, for messages
 * @param listedOf the size by which its cache is named
 */
export function findCollisions(
  names: PlacedNames,
  settings: BuildSettings,
  pathOf: (image: number) => string,
  listedOf: (image: number) => Size,
): Collision[] {
  const collisions: Collision[] = [];
  for (const [base, images] of names) {
    const shadow = shadowOf(base, names, settings, listedOf);
    const message =
      shadow !== undefined
        ? `the cache of ${pathOf(shadow)} has the name that is read first for ${pathOf(images[0]!)}`
        : images.length > 1
          ? `${images.map(pathOf).join(' and ')} share one cache`
          : settings.legacyName && base.endsWith(`_${settings.suffix}`)
            ? `${base}.npz would look like a new-style cache with a broken name, on which the trainer stops`
            : undefined;
    if (message !== undefined) collisions.push({ base, images, message });
  }
  return collisions;
}

/** The image whose cache has the old-style name of another. */
function shadowOf(
  base: string,
  names: PlacedNames,
  settings: BuildSettings,
  listedOf: (image: number) => Size,
): number | undefined {
  if (settings.legacyName) return undefined;
  const sized = parseCacheName(`${base}.npz`, settings.suffix);
  const image = sized && names.get(sized.base);
  if (image === undefined) return undefined;
  return cachePath(`${sized!.base}.png`, listedOf(image), settings) === `${base}.npz` ? image : undefined;
}

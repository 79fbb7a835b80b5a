/** One image file with everything that is made of it, and its control images: each file is read and decoded once. */
import type { ImageInfo } from '../dataset/inspect-image.js';
import { sizeName } from '../dataset/size.js';
import type { PlannedImage } from './plan-image.js';

export interface WorkUnit {
  /** Of the image, at least one, the largest bucket first; then those of its control images. */
  readonly variants: readonly [Variant, ...Variant[]];
}

/** A file that pixels are made of. */
export interface PixelFile {
  readonly path: string;
  readonly info: ImageInfo;
}

/** Pixels that are encoded once, for one or several caches. */
export interface Variant extends Pick<PlannedImage, 'geometry' | 'resampling' | 'latentShape'> {
  /** At least one. */
  readonly caches: readonly [PlannedImage, ...PlannedImage[]];
  readonly file: PixelFile;
  /** Which control image of its one cache; undefined for the image itself. */
  readonly control: number | undefined;
  /** Some cache wants the mirrored image as well. */
  readonly flip: boolean;
  /** Some cache wants the mask. */
  readonly alpha: boolean;
}

/** @param caches all of one image file, at least one, in the order of their buckets */
export function unitOf(caches: readonly PlannedImage[]): WorkUnit {
  const groups = new Map<string, PlannedImage[]>();
  for (const cache of caches) {
    const key = pixelKey(cache);
    const same = groups.get(key);
    if (same === undefined) groups.set(key, [cache]);
    else same.push(cache);
  }
  const variants = [...groups.values()].map(([first, ...others]): Variant => {
    const { image, info, geometry, resampling, latentShape } = first!;
    const all = [first!, ...others] as const;
    return {
      file: { path: image.path, info },
      control: undefined,
      geometry,
      resampling,
      latentShape,
      caches: all,
      flip: all.some(({ target }) => target.flipAug),
      alpha: all.some(({ target }) => target.alphaMask),
    };
  });
  return { variants: [...variants, ...caches.flatMap(controlsOf)] as [Variant, ...Variant[]] };
}

function controlsOf(cache: PlannedImage): Variant[] {
  return cache.controls.map(({ path, info, geometry, resampling, latentShape }, control) => ({
    file: { path, info },
    control,
    geometry,
    resampling,
    latentShape,
    caches: [cache],
    flip: false,
    alpha: false,
  }));
}

/** Equal for caches that are made of the very same pixels. */
function pixelKey({ geometry, resampling }: PlannedImage): string {
  const { bucket, resized, crop } = geometry;
  const { upright, mirrored, interpolation, premultiply } = resampling;
  return [
    sizeName(bucket),
    sizeName(resized),
    crop.left,
    crop.top,
    upright,
    mirrored,
    interpolation,
    premultiply,
  ].join();
}

/** Whose image it is. */
export function subjectOf({ variants }: WorkUnit): PlannedImage {
  return variants[0].caches[0];
}

/** All caches of an image. */
export function cachesOf({ variants }: WorkUnit): readonly PlannedImage[] {
  return variants.length === 1
    ? variants[0].caches
    : variants.flatMap(({ caches, control }) => (control === undefined ? caches : []));
}

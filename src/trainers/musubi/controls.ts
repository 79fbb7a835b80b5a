/**
 * musubi-tuner's control images: which files of `control_directory` belong to an image (`ImageDirectoryDatasource` in
 * `dataset/datasources.py`), and what size each gets (`retrieve_latent_cache_batches` in `dataset/image_video_dataset.py`,
 * `BucketSelector.calculate_bucket_resolution` in `dataset/bucket.py`).
 */
import type { Bucket, Size } from '../../dataset/bucket.js';
import type { ControlFiles } from '../../dataset/control-files.js';
import { withoutExtension } from '../../dataset/image-names.js';
import { compareCodePoints } from '../../dataset/name-order.js';
import { sizeName } from '../../dataset/size.js';
import { LatentCacheError } from '../../errors.js';
import type { ControlSettings } from '../settings.js';
import { isImageName } from './images.js';
import { MUSUBI_BUCKET_STEP } from './models.js';

/**
 * Shares the files of a folder of control images out to the images of a data set. A file belongs to the image with the longest
 * name whose stem it begins with, followed by `.` or `_`; an image's files go by the number behind their last `_`, the one
 * without a number first. Where two have one number the trainer takes them in an order of chance; here it is that of code
 * points.
 *
 * @param images names of the images, in the order of code points
 * @param names all names in the folder of control images
 * @returns for each image its files, or why the trainer would stop on it
 */
export function matchControls(
  images: readonly string[],
  names: readonly string[],
): Map<string, ControlFiles> {
  // Of one stem, the image that the trainer comes to first takes all.
  const turnOf = new Map(inTurn(images).map((image, turn) => [image, turn] as const));
  const firstOf = new Map<string, string>();
  for (const image of turnOf.keys()) {
    const stem = withoutExtension(image);
    if (!firstOf.has(stem)) firstOf.set(stem, image);
  }
  const taken = new Map<string, string[]>();
  for (const name of names.filter(isImageName)) {
    let owner: string | undefined;
    for (const { index } of name.matchAll(/[._]/g)) {
      const image = firstOf.get(name.slice(0, index));
      if (image !== undefined && (owner === undefined || turnOf.get(image)! < turnOf.get(owner)!))
        owner = image;
    }
    if (owner === undefined) continue;
    const others = taken.get(owner);
    if (others === undefined) taken.set(owner, [name]);
    else others.push(name);
  }
  return new Map(images.map((image) => [image, sorted(withoutExtension(image), taken.get(image))]));
}

/** Longest name first; equally long ones in the order of code points. */
function inTurn(images: readonly string[]): string[] {
  const length = new Map(images.map((image) => [image, [...image].length] as const));
  return [...images].sort((a, b) => length.get(b)! - length.get(a)! || compareCodePoints(a, b));
}

function sorted(stem: string, names: readonly string[] | undefined): ControlFiles {
  if (names === undefined) {
    return {
      problem: `no control image begins with its name (${stem}. or ${stem}_)`,
      remedy:
        'Add a control image of that name, or take the image out of the data set: the trainer stops on it.',
    };
  }
  const numbered: { name: string; number: bigint }[] = [];
  for (const name of names) {
    const own = withoutExtension(name);
    const digits = own.slice(own.lastIndexOf('_') + 1);
    if (own === stem) numbered.push({ name, number: 0n });
    else if (/^\d+$/.test(digits)) numbered.push({ name, number: BigInt(digits) + 1n });
    else {
      return {
        problem: `its control image ${name} does not end in _ and a number`,
        remedy: 'Rename or remove that control image: the trainer stops on it.',
      };
    }
  }
  numbered.sort((a, b) => Number(a.number - b.number) || compareCodePoints(a.name, b.name));
  return numbered.map(({ name }) => name);
}

/**
 * The size that a control image is resized and cut to.
 *
 * @param bucket of the image that it belongs to
 * @param control its own size
 * @throws LatentCacheError `ERR_CONTROL_IMAGE` where the trainer stops, and for a size that the encoder does not take
 */
export function controlBucket(
  bucket: Bucket,
  control: Size,
  { noResize, resolution }: ControlSettings,
): Bucket {
  if (!noResize && resolution === undefined) return bucket;
  if (!noResize) return nearestBucket(control, resolution!);
  if (resolution === undefined) return usable(control, onStep(control));
  const isLarger = control.width * control.height > resolution.width * resolution.height;
  return isLarger ? nearestBucket(control, resolution) : usable(control, control);
}

/** Of five candidates around the ideal width, the one nearest in ratio, the first of equals. */
function nearestBucket(control: Size, resolution: Size): Bucket {
  const area = resolution.width * resolution.height;
  const ratio = control.width / control.height;
  const ideal = floorTo(Math.trunc(Math.sqrt(area * ratio)));
  let best: Bucket = { width: 0, height: 0 };
  let least = Number.POSITIVE_INFINITY;
  for (let step = -2; step <= 2; step++) {
    const width = ideal + step * MUSUBI_BUCKET_STEP;
    const height = width === 0 ? 0 : floorTo(Math.floor(area / width));
    // The trainer divides by zero.
    if (height === 0)
      throw unusable(control, `it has no bucket at a control_resolution of ${sizeName(resolution)}`);
    const distance = Math.abs(width / height - ratio);
    if (distance < least) {
      best = { width, height };
      least = distance;
    }
  }
  return usable(control, best);
}

function usable(control: Size, bucket: Bucket): Bucket {
  if (bucket.width <= 0 || bucket.height <= 0)
    throw unusable(control, `a side is below one step of ${MUSUBI_BUCKET_STEP} pixels`);
  const rest = (bucket.width % MUSUBI_BUCKET_STEP) + (bucket.height % MUSUBI_BUCKET_STEP);
  if (rest === 0) return bucket;
  throw unusable(
    control,
    `with no_resize_control and control_resolution it stays as it is, and its sides are no multiples of ${MUSUBI_BUCKET_STEP}`,
  );
}

function unusable(control: Size, reason: string): LatentCacheError {
  return new LatentCacheError(
    'ERR_CONTROL_IMAGE',
    `of its ${sizeName(control)} pixels no latents can be made: ${reason}`,
    { remedy: 'Cut or scale the control image, or change no_resize_control or control_resolution.' },
  );
}

function onStep({ width, height }: Size): Bucket {
  return { width: floorTo(width), height: floorTo(height) };
}

/** Down to the step; of a negative number as well, as in Python. */
function floorTo(pixels: number): number {
  return Math.floor(pixels / MUSUBI_BUCKET_STEP) * MUSUBI_BUCKET_STEP;
}

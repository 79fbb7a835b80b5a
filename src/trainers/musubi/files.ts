/** Names, keys and metadata of musubi-tuner's latent caches (`dataset/cache_io.py`, `dataset/image_video_dataset.py`). */
import { encodeFloats, type StoredDtype, type Tensor } from '../../cache/tensor-file.js';
import type { Size } from '../../dataset/bucket.js';
import type { LatentShape } from '../latent-shape.js';
import type { MusubiModel } from './models.js';

/** `format_version` in the metadata. */
const FORMAT_VERSION = '1.0.1';

/**
 * `{stem}_{W}x{H}_{architecture}.safetensors`, in the data set's `cache_directory` (which is the image folder when it is
 * not given). Two images of one stem share the text cache; of one size, the latent cache as well.
 *
 * @param stem the image's name without folder and extension
 * @param original size of the decoded image, EXIF orientation not applied; sides have at least four digits
 */
export function cacheName(stem: string, original: Size, architecture: string): string {
  return `${stem}_${pad(original.width)}x${pad(original.height)}_${architecture}.safetensors`;
}

/** The cache of an image's caption. Without it beside the latents, the trainer passes the image over. */
export function textCacheName(stem: string, architecture: string): string {
  return `${stem}_${architecture}_te.safetensors`;
}

/** Stem and size in a name of `cacheName`; undefined for other names. */
export function parseCacheName(
  fileName: string,
  architecture: string,
): { stem: string; original: Size } | undefined {
  const ending = `_${architecture}.safetensors`;
  if (!fileName.endsWith(ending)) return undefined;
  const match = /^(.+)_(\d{4,})x(\d{4,})$/s.exec(fileName.slice(0, -ending.length));
  if (match === null) return undefined;
  return { stem: match[1]!, original: { width: Number(match[2]), height: Number(match[3]) } };
}

/**
 * What the trainer does with a file of its cache folder: it takes every `*_{architecture}.safetensors` and the image's
 * size from its name, whether there still is such an image or not.
 *
 * `stray`: trained on although no image of the data set has this name and size. `stops`: it has no size in its name, and
 * training ends with an error (a trained model called `my_qi.safetensors`, say).
 *
 * @param isExpected whether a name is `cacheName` of an image of the data set
 * @returns undefined for files that the trainer does not look at
 */
export function judgeCacheName(
  fileName: string,
  architecture: string,
  isExpected: (name: string) => boolean,
): 'cache' | 'stray' | 'stops' | undefined {
  if (fileName.startsWith('.') || !fileName.endsWith(`_${architecture}.safetensors`)) return undefined;
  if (isExpected(fileName)) return 'cache';
  return /^\d+x\d+$/.test(fileName.split('_').at(-2)!) ? 'stray' : 'stops';
}

/**
 * Whether the trainer finds no cache in a folder, because it takes these characters of `cache_directory` for a pattern.
 * Only what the configuration says matters: not the folders above a relative path.
 */
export function isPattern(cacheDirectory: string): boolean {
  return /[[*?]/.test(cacheDirectory);
}

/** The latents of an image, as the trainer stores them. */
export function latentTensor(
  model: MusubiModel,
  shape: LatentShape,
  latents: Float32Array,
  dtype: StoredDtype,
): Tensor {
  return tensor('latents', model, shape, latents, dtype);
}

/** Begins the keys of all latents of control images. */
export const CONTROL_LATENTS = 'latents_control';

/** Begins the key of one of them. @param index place among the image's control images; models with exactly one do not write it */
export function controlContent({ control }: MusubiModel, index: number): string {
  return control === 'numbered' ? `${CONTROL_LATENTS}_${index}` : CONTROL_LATENTS;
}

/** The latents of a control image. */
export function controlTensor(
  model: MusubiModel,
  index: number,
  shape: LatentShape,
  latents: Float32Array,
  dtype: StoredDtype,
): Tensor {
  return tensor(controlContent(model, index), model, shape, latents, dtype);
}

/** What the header says besides; the trainer writes it and never reads it. */
export function fileMetadata(model: MusubiModel, original: Size): Record<string, string> {
  return {
    architecture: model.fullName,
    width: String(original.width),
    height: String(original.height),
    format_version: FORMAT_VERSION,
  };
}

/** Keys end with torch's name of the type: the trainer cuts it off, and before it the size. */
function tensor(
  content: string,
  { keySize, axes }: MusubiModel,
  [channels, height, width]: LatentShape,
  values: Float32Array,
  dtype: StoredDtype,
): Tensor {
  const size = keySize === 'frames' ? `1x${height}x${width}` : `${height}x${width}`;
  return {
    name: `${content}_${size}_${dtype}`,
    shape: axes === 'cfhw' ? [channels, 1, height, width] : [channels, height, width],
    ...encodeFloats(values, dtype),
  };
}

function pad(side: number): string {
  return String(side).padStart(4, '0');
}

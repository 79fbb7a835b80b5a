/** Names, key and metadata of ai-toolkit's latent caches (`toolkit/dataloader_mixins.py`, `toolkit/metadata.py`). */
import { createHash } from 'node:crypto';
import { encodeFloats, type StoredDtype, type Tensor } from '../../cache/tensor-file.js';
import { withoutExtension } from '../../dataset/image-names.js';
import type { LatentShape } from '../latent-shape.js';
import type { AiToolkitChoice } from './buckets.js';
import type { Flip } from './images.js';
import { dumps, type PythonValue } from './python-json.js';

/** Caches lie in this folder beside their image. */
export const CACHE_FOLDER = '_latent_cache';
/** The one tensor of a file. */
export const LATENT_KEY = 'latent';
/** `latent_version`: which of its own formats ai-toolkit writes. */
const LATENT_VERSION = 1;
/** URL-safe base64 of the 16 bytes of an MD5, without the padding. */
const HASH = /^(.+)_([A-Za-z0-9_-]{22})\.safetensors$/s;

/** All that the name of a cache depends on: not the image's content, nor the VAE. */
export interface LatentItem extends Flip {
  /** The image's name without its folder. */
  readonly fileName: string;
  readonly geometry: AiToolkitChoice;
  /** Of the model, or what its options have instead. */
  readonly latentSpaceVersion: string;
}

/** `{stem}_{hash}.safetensors`. The trainer takes a file of this name for valid without another look. */
export function cacheName(item: LatentItem): string {
  const text = dumps(itemFields(item), { sortKeys: true });
  const hash = createHash('md5').update(text).digest('base64url');
  return `${withoutExtension(item.fileName)}_${hash}.safetensors`;
}

/** The image's stem and the hash in a name of `cacheName`; undefined for other names. */
export function parseCacheName(fileName: string): { stem: string; hash: string } | undefined {
  const match = HASH.exec(fileName);
  return match === null ? undefined : { stem: match[1]!, hash: match[2]! };
}

/** The latents of an image, as the trainer stores them. */
export function latentTensor(shape: LatentShape, latents: Float32Array, dtype: StoredDtype): Tensor {
  return { name: LATENT_KEY, shape, ...encodeFloats(latents, dtype) };
}

/** Which program wrote a file. */
export interface Software {
  readonly name: string;
  readonly repo: string;
  readonly version: string;
}

/** What the header says besides: the fields of the hash as text. The trainer writes it and never reads it. */
export function fileMetadata(item: LatentItem, { name, repo, version }: Software): Record<string, string> {
  const fields = { ...itemFields(item), software: { name, repo, version } };
  const texts = Object.entries(fields).map(([key, value]: [string, PythonValue]) => [
    key,
    typeof value === 'string' ? value : dumps(value, { sortKeys: false }),
  ]);
  return { ...Object.fromEntries(texts), format: 'pt' };
}

/** `get_latent_info_dict` for an image, in its order. */
function itemFields({ fileName, geometry, latentSpaceVersion, flipX, flipY }: LatentItem) {
  const { bucket, resized, crop } = geometry;
  return {
    filename: fileName,
    scale_to_width: resized.width,
    scale_to_height: resized.height,
    crop_x: crop.left,
    crop_y: crop.top,
    crop_width: bucket.width,
    crop_height: bucket.height,
    latent_space_version: latentSpaceVersion,
    latent_version: LATENT_VERSION,
    ...(flipX && { flip_x: true }),
    ...(flipY && { flip_y: true }),
  };
}

/**
 * This project's own format, for programs that read latents themselves: docs/safetensors-format.md is its
 * specification. One file for each image and model; several resolutions can lie in one.
 */
import { encodeFloats, type StoredDtype, type Tensor } from '../../cache/tensor-file.js';
import type { Size } from '../../dataset/bucket.js';
import type { Geometry } from '../../dataset/geometry.js';
import { MODEL_IDS, type ModelId } from '../../model/catalog.js';
import type { LatentShape } from '../latent-shape.js';

export const FORMAT_NAME = 'latent-cache';
export const FORMAT_VERSION = '1';

/** How to get from the encoder's latents to what the network takes, with every constant. */
export type NormalisationRecord =
  | { readonly kind: 'affine'; readonly shift: number; readonly scale: number }
  | { readonly kind: 'channels'; readonly mean: readonly number[]; readonly deviation: readonly number[] }
  | {
      readonly kind: 'patches';
      readonly mean: readonly number[];
      readonly variance: readonly number[];
      readonly epsilon: number;
    };

/** What all resolutions in a file have in common. */
export interface FileFacts {
  readonly model: ModelId;
  /** Fingerprint of the encoder's tensors. */
  readonly vae: string;
  /** Whether the normalisation has been applied to what is stored. */
  readonly values: 'raw' | 'normalised';
  readonly normalisation: NormalisationRecord;
  readonly posterior: 'mean' | 'sample';
  /** Program and version. */
  readonly software: string;
}

/** The latents of one image at one resolution. */
export interface PlainEntry {
  readonly shape: LatentShape;
  readonly latents: Float32Array;
  /** Latents of the mirrored pixels; null when they are not wanted. */
  readonly latentsFlipped: Float32Array | null;
  /** (bucket height, bucket width) alpha, uint8; null when it is not wanted. */
  readonly alphaMask: Uint8Array | null;
  readonly geometry: Geometry;
}

/**
 * `{stem}_{W}x{H}_{model}.safetensors`. The size tells a reader the aspect ratio, and so the bucket, of a million images
 * without opening one, and that a cache is of the image that was there before; the model lets caches of several models lie
 * side by side, apart from those of the trainers.
 *
 * @param original size of the decoded pixels; sides have at least four digits
 */
export function cacheName(stem: string, original: Size, model: ModelId): string {
  const pad = (side: number) => String(side).padStart(4, '0');
  return `${stem}_${pad(original.width)}x${pad(original.height)}_${model}.safetensors`;
}

/** What a name of `cacheName` says; undefined for other names. */
export function parseCacheName(
  fileName: string,
): { stem: string; original: Size; model: ModelId } | undefined {
  const match = /^(.+)_(\d{4,})x(\d{4,})_([a-z0-9-]+)\.safetensors$/s.exec(fileName);
  const model = MODEL_IDS.find((id) => id === match?.[4]);
  if (match === null || model === undefined) return undefined;
  return { stem: match[1]!, original: { width: Number(match[2]), height: Number(match[3]) }, model };
}

/** `_{h}x{w}` in latent cells as stored: ends every key that belongs to one resolution. */
export function keySuffix([, height, width]: LatentShape): string {
  return `_${height}x${width}`;
}

/** The suffix of a tensor of this format; undefined for other names. */
export function tensorKeySuffix(name: string): string | undefined {
  return /^(?:latents|latents_flipped|alpha_mask|original_size|crop_ltrb)(_\d+x\d+)$/.exec(name)?.[1];
}

/** All tensors of one resolution. */
export function entryTensors(entry: PlainEntry, dtype: StoredDtype): Tensor[] {
  const { shape, latents, latentsFlipped, alphaMask, geometry } = entry;
  const { original, bucket, cropLtrb } = geometry;
  const suffix = keySuffix(shape);
  const tensors: Tensor[] = [
    { name: `latents${suffix}`, shape, ...encodeFloats(latents, dtype) },
    {
      name: `original_size${suffix}`,
      dtype: 'I64',
      shape: [2],
      data: bytesOf(BigInt64Array.of(BigInt(original.width), BigInt(original.height))),
    },
    { name: `crop_ltrb${suffix}`, dtype: 'F64', shape: [4], data: bytesOf(Float64Array.from(cropLtrb)) },
  ];
  if (latentsFlipped !== null) {
    tensors.push({ name: `latents_flipped${suffix}`, shape, ...encodeFloats(latentsFlipped, dtype) });
  }
  if (alphaMask !== null) {
    tensors.push({
      name: `alpha_mask${suffix}`,
      dtype: 'U8',
      shape: [bucket.height, bucket.width],
      data: alphaMask,
    });
  }
  return tensors;
}

/** The metadata of a file with these resolutions. */
export function fileMetadata(
  facts: FileFacts,
  entries: readonly Pick<PlainEntry, 'shape' | 'geometry'>[],
): Record<string, string> {
  const { model, vae, values, normalisation, posterior, software } = facts;
  return {
    format: FORMAT_NAME,
    format_version: FORMAT_VERSION,
    software,
    model,
    vae,
    values,
    normalisation: JSON.stringify(normalisation),
    posterior,
    ...Object.fromEntries(
      entries.map(({ shape, geometry }) => [`geometry${keySuffix(shape)}`, describe(geometry)]),
    ),
  };
}

function describe({ original, resized, crop, bucket }: Geometry): string {
  return JSON.stringify({
    original: [original.width, original.height],
    resized: [resized.width, resized.height],
    crop: [crop.left, crop.top],
    bucket: [bucket.width, bucket.height],
  });
}

function bytesOf(values: BigInt64Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

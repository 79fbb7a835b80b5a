/**
 * kohya sd-scripts' latent cache: names, keys and arrays (cache format note 1.1 and 1.2).
 */

import type { LatentDtype, LatentEntry } from '../../cache/latent-entry.js';
import { allocateNpy, encodeNpy } from '../../cache/npy.js';
import type { ZipInput } from '../../cache/zip.js';
import type { Bucket, Size } from '../../dataset/bucket.js';
import { withoutExtension } from '../../dataset/image-names.js';
import { toFloat16Array } from '../../float16.js';

export interface CacheNaming {
  /** `sd`, `sdxl`, or what a training script looks for instead. */
  readonly suffix: string;
  /** `{base}.npz`: the name of sd-scripts before 0.10, still read first by every later version. */
  readonly legacyName: boolean;
  /** `{base}.npz` is read before ours: of SD and SDXL alone, the models that had caches of that name. */
  readonly readsLegacy: boolean;
  /** Keys with the latent size in them, so that one file can hold several resolutions. */
  readonly sizedKeys: boolean;
}

/** Where the cache of an image belongs. Sides have at least four digits, width first. */
export function cachePath(imagePath: string, size: Size, naming: CacheNaming): string {
  const base = withoutExtension(imagePath);
  if (naming.legacyName) return `${base}.npz`;
  const pad = (side: number) => String(side).padStart(4, '0');
  return `${base}_${pad(size.width)}x${pad(size.height)}_${naming.suffix}.npz`;
}

/** `{base}.npz`, which sd-scripts prefers to every other name when it exists. */
export function legacyPath(imagePath: string): string {
  return `${withoutExtension(imagePath)}.npz`;
}

/** The base that a name of ours belongs to, with the size in it; undefined for other names. */
export function parseCacheName(fileName: string, suffix: string): { base: string; size: Size } | undefined {
  const ending = `_${suffix}.npz`;
  if (!fileName.endsWith(ending)) return undefined;
  const match = /^(.+)_(\d{4,})x(\d{4,})$/s.exec(fileName.slice(0, -ending.length));
  if (match === null) return undefined;
  return { base: match[1]!, size: { width: Number(match[2]), height: Number(match[3]) } };
}

/**
 * The image that a cache is of, whatever its suffix.
 *
 * @param isImage whether there is an image of a name, without its extension
 * @returns the image's name without extension, and its size where the cache's name has it
 */
export function ownerOfCache(
  fileName: string,
  isImage: (base: string) => boolean,
): { base: string; size?: Size } | undefined {
  const match = /^(.+)_(\d{4,})x(\d{4,})_[A-Za-z0-9-]+\.npz$/s.exec(fileName);
  if (match !== null && isImage(match[1]!)) {
    return { base: match[1]!, size: { width: Number(match[2]), height: Number(match[3]) } };
  }
  const base = fileName.slice(0, -'.npz'.length);
  return isImage(base) ? { base } : undefined;
}

/** `_{h}x{w}` in latent cells, height first and without padding; empty for bare keys. */
export function keySuffix(latentSize: { height: number; width: number }, naming: CacheNaming): string {
  return naming.sizedKeys ? `_${latentSize.height}x${latentSize.width}` : '';
}

/** The key suffix of a member name such as `latents_flipped_128x96.npy`; undefined for names that are not ours. */
export function memberKeySuffix(memberName: string): string | undefined {
  const match = /^(?:latents_flipped|latents|original_size|crop_ltrb|alpha_mask)(_\d+x\d+)?\.npy$/.exec(
    memberName,
  );
  return match === null ? undefined : (match[1] ?? '');
}

/** The npz members of one entry, in numpy's order of writing. */
export function entryMembers(entry: LatentEntry, suffix: string, dtype: LatentDtype): ZipInput[] {
  const stored = (name: string, data: Uint8Array): ZipInput => ({
    name: `${name}${suffix}.npy`,
    data,
    compress: false,
  });
  const { original, cropLtrb, bucket } = entry.geometry;
  const members = [
    stored('latents', latentNpy(entry.latents, entry.shape, dtype)),
    stored(
      'original_size',
      encodeNpy('<i8', [2], BigInt64Array.of(BigInt(original.width), BigInt(original.height))),
    ),
    stored('crop_ltrb', encodeNpy('<f8', [4], Float64Array.from(cropLtrb))),
  ];
  if (entry.latentsFlipped !== null) {
    members.push(stored('latents_flipped', latentNpy(entry.latentsFlipped, entry.shape, dtype)));
  }
  if (entry.alphaMask !== null) {
    const mask = maskNpy(entry.alphaMask, bucket);
    // 16 times the size of the latent, and nearly empty of information: numpy reads deflated members as well.
    members.push({ name: `alpha_mask${suffix}.npy`, data: mask, compress: true });
  }
  return members;
}

function latentNpy(values: Float32Array, shape: readonly number[], dtype: LatentDtype): Uint8Array {
  return dtype === 'float32'
    ? encodeNpy('<f4', shape, values)
    : encodeNpy('<f2', shape, toFloat16Array(values));
}

/** numpy's `alpha.astype(float32) / 255.0`. */
const unitTable = Float32Array.from({ length: 256 }, (_, value) => value / 255);

function maskNpy(alpha: Uint8Array, { width, height }: Bucket): Uint8Array {
  const { file, data } = allocateNpy('<f4', [height, width]);
  const values = new Float32Array(data.buffer, data.byteOffset, alpha.length);
  for (let index = 0; index < alpha.length; index++) values[index] = unitTable[alpha[index]!]!;
  return file;
}

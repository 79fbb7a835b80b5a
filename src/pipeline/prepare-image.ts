import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { SourceState } from '../cache/provenance.js';
import { fileError } from '../dataset/image-errors.js';
import { LatentCacheError } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';
import { type DecodedImage, decodeImage } from '../pixels/decode.js';
import { type PixelPool, takeTarget } from '../pixels/pixel-pool.js';
import { viewOf } from '../pixels/view.js';
import type { PlannedImage } from './plan-image.js';
import { subjectOf, type Variant, type WorkUnit } from './work-unit.js';

/** Pixels as the encoder takes them. */
export interface PreparedImage {
  readonly variant: Variant;
  /** (bucket height, bucket width, 3) uint8 */
  readonly rgb: Uint8Array;
  /** The same, mirrored; null where nobody asked for it. */
  readonly flipped: Uint8Array | null;
  /** (bucket height, bucket width) uint8; null where nobody asked for it. */
  readonly alpha: Uint8Array | null;
  readonly source: SourceState;
  /** Its colour profile was to be used and could not be. */
  readonly iccIgnored: boolean;
}

/** Bytes that preparing one image holds at its worst, and that each of its variants goes on holding. */
export function memoryOf(unit: WorkUnit): { preparing: number; prepared: readonly number[] } {
  const { info, target } = subjectOf(unit);
  const prepared = unit.variants.map(preparedBytes);
  const alpha = needsAlpha(unit);
  // libvips holds one copy while it hands over another, or a view another than it was made of; with a profile there are
  // three. Four channels are resized before alpha is split off.
  const copies = target.pixels.icc === 'srgb' ? 3 : 2;
  const decoded = info.size.width * info.size.height * (alpha ? 4 : 3);
  const windows = unit.variants.map(({ geometry: { bucket } }) => bucket.width * bucket.height * 4);
  return {
    preparing:
      info.bytes +
      copies * decoded +
      prepared.reduce((sum, bytes) => sum + bytes, 0) +
      (alpha ? Math.max(...windows) : 0),
    prepared,
  };
}

export function preparedBytes({ geometry: { bucket }, flip, alpha }: Variant): number {
  return bucket.width * bucket.height * (3 + (alpha ? 1 : 0) + (flip ? 3 : 0));
}

/** For a mask, for a resize with alpha, or to put the image over a background. */
function needsAlpha({ variants }: WorkUnit): boolean {
  return variants.some(
    ({ alpha, resampling, caches }) =>
      alpha || resampling.premultiply || caches[0].target.pixels.background !== undefined,
  );
}

/**
 * Reads and decodes one image, and resizes and crops it for each of its variants.
 *
 * @returns one for each variant
 * @throws LatentCacheError `ERR_IMAGE_*`
 */
export async function prepareImage(
  unit: WorkUnit,
  binding: NativeBinding,
  pool: PixelPool,
): Promise<readonly PreparedImage[]> {
  const { bytes, source } = await readSource(subjectOf(unit), binding);
  const decoded = await decodeUnit(unit, bytes, binding);
  const prepared: PreparedImage[] = [];
  for (const variant of unit.variants) {
    const pixels = await resizeVariant(variant, decoded, binding, pool);
    prepared.push({ variant, ...pixels, source, iccIgnored: decoded.iccIgnored !== undefined });
  }
  return prepared;
}

/** @param bytes the whole file */
export async function decodeUnit(
  unit: WorkUnit,
  bytes: Buffer,
  binding: NativeBinding,
): Promise<DecodedImage> {
  const { image, info, target } = subjectOf(unit);
  const { maxPixels, pixels } = target;
  const decodeOptions = { stored: info.stored, alpha: needsAlpha(unit), maxPixels, icc: pixels.icc };
  const decoded = await decodeImage(bytes, image.path, decodeOptions, binding);
  const { width, height } = info.size;
  if (decoded.size.width !== width || decoded.size.height !== height) {
    throw changed(image.path, `has no longer ${width}x${height} pixels`);
  }
  return decoded;
}

/** Resizes the whole image and cuts its bucket out. */
export async function resizeVariant(
  { geometry, resampling, flip, alpha, caches }: Variant,
  decoded: DecodedImage,
  binding: NativeBinding,
  pool: PixelPool,
): Promise<Pick<PreparedImage, 'rgb' | 'flipped' | 'alpha'>> {
  const { resized, crop, bucket } = geometry;
  const { info, target } = caches[0];
  const { upright, mirrored, premultiply } = resampling;
  const view = await viewOf(
    decoded,
    info.orientation,
    { alpha: alpha || premultiply, upright, mirror: mirrored, background: target.pixels.background },
    binding,
  );
  const options = {
    ...view.size,
    channels: view.channels,
    resizedWidth: resized.width,
    resizedHeight: resized.height,
    interpolation: resampling.interpolation,
    cropLeft: crop.left,
    cropTop: crop.top,
    cropWidth: bucket.width,
    cropHeight: bucket.height,
  };
  const pixels = takeTarget(pool, options, { flip, alpha });
  await binding.transform(view.data, options, pixels);
  const opaque = () => new Uint8Array(bucket.width * bucket.height).fill(255);
  return { ...pixels, alpha: alpha ? (pixels.alpha ?? opaque()) : null };
}

/** Hands the pixels back when the encoder has them. */
export function recycle({ rgb, flipped }: PreparedImage, pool: PixelPool): void {
  pool.give(rgb);
  if (flipped !== null) pool.give(flipped);
}

export async function readSource(
  { image, info }: PlannedImage,
  binding: NativeBinding,
): Promise<{ bytes: Buffer; source: SourceState }> {
  const file = image.path;
  const bytes = Buffer.allocUnsafeSlow(info.bytes);
  let read: number;
  try {
    read = await binding.readFileInto(file, bytes);
  } catch (cause) {
    throw fileError(file, cause);
  }
  if (read !== info.bytes) throw changed(file, `has no longer ${info.bytes} bytes`);
  return { bytes, source: { bytes: read, sha256: await sha256(bytes) } };
}

/** Hashed before others get their turn on the main thread; takes about a millisecond. */
const BYTES_AT_ONCE = 2 ** 20;

async function sha256(bytes: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += BYTES_AT_ONCE) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + BYTES_AT_ONCE));
  }
  return hash.digest('hex');
}

function changed(file: string, what: string): LatentCacheError {
  return new LatentCacheError('ERR_IMAGE_CHANGED', `${file} ${what}: it was changed during the run`, {
    path: file,
    remedy: 'Run again when nothing else changes the folder.',
  });
}

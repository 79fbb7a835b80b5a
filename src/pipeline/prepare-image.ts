import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { SourceState } from '../cache/provenance.js';
import type { Geometry } from '../dataset/geometry.js';
import { fileError } from '../dataset/image-errors.js';
import { LatentCacheError } from '../errors.js';
import type { Interpolation, NativeBinding } from '../native/binding.js';
import { type DecodedImage, decodeImage } from '../pixels/decode.js';
import { type PixelPool, takeTarget } from '../pixels/pixel-pool.js';
import type { BuildSettings } from './options.js';
import type { PlannedImage } from './plan-image.js';

/** An image as the encoder takes it. */
export interface PreparedImage {
  readonly item: PlannedImage;
  /** (bucket height, bucket width, 3) uint8 */
  readonly rgb: Uint8Array;
  /** The same, mirrored; null without flip_aug. */
  readonly flipped: Uint8Array | null;
  /** (bucket height, bucket width) uint8; null without alpha_mask. */
  readonly alpha: Uint8Array | null;
  readonly source: SourceState;
}

/** Bytes that preparing one image holds at its worst, and that the finished one goes on holding. */
export function memoryOf(
  item: PlannedImage,
  settings: BuildSettings,
): { preparing: number; prepared: number } {
  const { original, bucket } = item.geometry;
  const window = bucket.width * bucket.height;
  const channels = settings.alphaMask ? 4 : 3;
  const prepared = window * (channels + (settings.flipAug ? 3 : 0));
  // libvips holds one copy while it hands over another; four channels are resized before alpha is split off.
  const decoded = original.width * original.height * channels;
  return {
    preparing: item.info.bytes + 2 * decoded + prepared + (settings.alphaMask ? window * 4 : 0),
    prepared,
  };
}

/**
 * Reads, decodes, resizes and crops one image.
 *
 * @throws LatentCacheError `ERR_IMAGE_*`
 */
export async function prepareImage(
  item: PlannedImage,
  settings: BuildSettings,
  binding: NativeBinding,
  pool: PixelPool,
): Promise<PreparedImage> {
  const { bytes, source } = await readSource(item, binding);
  const decoded = await decodePlanned(item, bytes, settings, binding);
  return { item, ...(await resizePlanned(item, decoded, settings, binding, pool)), source };
}

/** @param bytes the whole file */
export async function decodePlanned(
  { image, info, geometry }: PlannedImage,
  bytes: Buffer,
  settings: BuildSettings,
  binding: NativeBinding,
): Promise<DecodedImage> {
  const { original } = geometry;
  const decodeOptions = {
    stored: info.stored,
    alpha: settings.alphaMask,
    maxPixels: settings.maxPixels,
  };
  const decoded = await decodeImage(bytes, image.path, decodeOptions, binding);
  if (decoded.size.width !== original.width || decoded.size.height !== original.height) {
    throw changed(image.path, `has no longer ${original.width}x${original.height} pixels`);
  }
  return decoded;
}

/** Resizes the whole image and cuts its bucket out. */
export async function resizePlanned(
  { geometry }: PlannedImage,
  decoded: DecodedImage,
  settings: BuildSettings,
  binding: NativeBinding,
  pool: PixelPool,
): Promise<Pick<PreparedImage, 'rgb' | 'flipped' | 'alpha'>> {
  const { original, resized, crop, bucket } = geometry;
  const options = {
    width: original.width,
    height: original.height,
    channels: decoded.channels,
    resizedWidth: resized.width,
    resizedHeight: resized.height,
    interpolation: settings.resizeInterpolation ?? defaultInterpolation(geometry),
    cropLeft: crop.left,
    cropTop: crop.top,
    cropWidth: bucket.width,
    cropHeight: bucket.height,
  };
  const target = takeTarget(pool, options, settings.flipAug);
  await binding.transform(decoded.data, options, target);
  const opaque = () => new Uint8Array(bucket.width * bucket.height).fill(255);
  return { ...target, alpha: settings.alphaMask ? (target.alpha ?? opaque()) : null };
}

/** Hands the pixels back when the encoder has them. */
export function recycle({ rgb, flipped }: PreparedImage, pool: PixelPool): void {
  pool.give(rgb);
  if (flipped !== null) pool.give(flipped);
}

/** sd-scripts `resize_image`: area when both sides shrink or stay, Lanczos otherwise. */
function defaultInterpolation({ original, resized }: Geometry): Interpolation {
  return original.width >= resized.width && original.height >= resized.height ? 'area' : 'lanczos';
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

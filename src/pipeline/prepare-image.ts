import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { SourceState } from '../cache/provenance.js';
import { fileError } from '../dataset/image-errors.js';
import { LatentCacheError } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';
import { type DecodedImage, decodeImage } from '../pixels/decode.js';
import { type PixelPool, takeTarget } from '../pixels/pixel-pool.js';
import { viewOf } from '../pixels/view.js';
import { controlError } from './control-images.js';
import type { Target } from './options.js';
import type { PlannedImage } from './plan-image.js';
import { type PixelFile, subjectOf, type Variant, type WorkUnit } from './work-unit.js';

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
  const prepared = unit.variants.map(preparedBytes);
  // One file after the other.
  const decoding = filesOf(unit).map((variants) => decodingBytes(variants, subjectOf(unit).target));
  return {
    preparing: Math.max(...decoding) + prepared.reduce((sum, bytes) => sum + bytes, 0),
    prepared,
  };
}

/** @param variants of one file */
function decodingBytes(variants: FileVariants, { pixels }: Target): number {
  const { info } = variants[0].file;
  const alpha = needsAlpha(variants);
  // libvips holds one copy while it hands over another, or a view another than it was made of; with a profile there are
  // three. Four channels are resized before alpha is split off.
  const copies = pixels.icc === 'srgb' ? 3 : 2;
  const decoded = info.size.width * info.size.height * (alpha ? 4 : 3);
  const windows = variants.map(({ geometry: { bucket } }) => bucket.width * bucket.height * 4);
  return info.bytes + copies * decoded + (alpha ? Math.max(...windows) : 0);
}

/**
 * Pixels, and the latents that wait for these: an image's until its control images are encoded, and the other way round.
 * Whichever part is the last has room for all others.
 */
export function preparedBytes(variant: Variant): number {
  const { geometry, flip, alpha } = variant;
  const { width, height } = geometry.bucket;
  return width * height * (3 + (alpha ? 1 : 0) + (flip ? 3 : 0)) + waitingBytes(variant);
}

function waitingBytes({ control, caches }: Variant): number {
  let sum = 0;
  for (const { latentShape, controls } of caches) {
    if (controls.length === 0) continue;
    const shapes = [latentShape, ...controls.map((each) => each.latentShape)];
    shapes.splice(control === undefined ? 0 : 1 + control, 1);
    for (const [channels, height, width] of shapes)
      sum += channels * height * width * Float32Array.BYTES_PER_ELEMENT;
  }
  return sum;
}

type FileVariants = readonly [Variant, ...Variant[]];

/** The variants of each file, those of the image first. */
function filesOf({ variants }: WorkUnit): FileVariants[] {
  const own = variants.filter(({ control }) => control === undefined);
  const files = new Map<string, [Variant, ...Variant[]]>();
  for (const variant of variants.slice(own.length)) {
    const same = files.get(variant.file.path);
    if (same === undefined) files.set(variant.file.path, [variant]);
    else same.push(variant);
  }
  return [own as [Variant, ...Variant[]], ...files.values()];
}

/** For a mask, for a resize with alpha, or to put the image over a background. */
function needsAlpha(variants: FileVariants): boolean {
  return variants.some(
    ({ alpha, resampling, caches }) =>
      alpha || resampling.premultiply || caches[0].target.pixels.background !== undefined,
  );
}

/**
 * Reads and decodes one image and its control images, and resizes and crops them for each variant.
 *
 * @param onBroken is told of control images that cannot be used, with their variants, which are then not there
 * @returns one for each variant
 * @throws LatentCacheError `ERR_IMAGE_*` about the image itself
 */
export async function prepareImage(
  unit: WorkUnit,
  binding: NativeBinding,
  pool: PixelPool,
  onBroken: (variants: readonly Variant[], error: LatentCacheError) => void = () => {},
): Promise<readonly PreparedImage[]> {
  const [own, ...controls] = filesOf(unit);
  const prepared = [...(await prepareFile(own!, binding, pool))];
  for (const variants of controls) {
    try {
      prepared.push(...(await prepareFile(variants, binding, pool)));
    } catch (thrown) {
      onBroken(variants, controlError(variants[0].file.path, thrown));
    }
  }
  return prepared;
}

async function prepareFile(
  variants: FileVariants,
  binding: NativeBinding,
  pool: PixelPool,
): Promise<PreparedImage[]> {
  const { bytes, source } = await readFile(variants[0].file, binding);
  const decoded = await decodeVariants(variants, bytes, binding);
  const prepared: PreparedImage[] = [];
  for (const variant of variants) {
    const pixels = await resizeVariant(variant, decoded, binding, pool);
    prepared.push({ variant, ...pixels, source, iccIgnored: decoded.iccIgnored !== undefined });
  }
  return prepared;
}

/** Decodes an image, without its control images. @param bytes the whole file */
export function decodeUnit(unit: WorkUnit, bytes: Buffer, binding: NativeBinding): Promise<DecodedImage> {
  return decodeVariants(filesOf(unit)[0]!, bytes, binding);
}

async function decodeVariants(
  variants: FileVariants,
  bytes: Buffer,
  binding: NativeBinding,
): Promise<DecodedImage> {
  const { file, caches } = variants[0];
  const { maxPixels, pixels } = caches[0].target;
  const { stored, size } = file.info;
  const decodeOptions = { stored, alpha: needsAlpha(variants), maxPixels, icc: pixels.icc };
  const decoded = await decodeImage(bytes, file.path, decodeOptions, binding);
  if (decoded.size.width !== size.width || decoded.size.height !== size.height) {
    throw changed(file.path, `has no longer ${size.width}x${size.height} pixels`);
  }
  return decoded;
}

/** Resizes the whole image and cuts its bucket out. */
export async function resizeVariant(
  { file, geometry, resampling, flip, alpha, caches }: Variant,
  decoded: DecodedImage,
  binding: NativeBinding,
  pool: PixelPool,
): Promise<Pick<PreparedImage, 'rgb' | 'flipped' | 'alpha'>> {
  const { resized, crop, bucket } = geometry;
  const { target } = caches[0];
  const { upright, mirrored, premultiply } = resampling;
  const view = await viewOf(
    decoded,
    file.info.orientation,
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

export function readSource(
  { image, info }: PlannedImage,
  binding: NativeBinding,
): Promise<{ bytes: Buffer; source: SourceState }> {
  return readFile({ path: image.path, info }, binding);
}

async function readFile(
  { path: file, info }: PixelFile,
  binding: NativeBinding,
): Promise<{ bytes: Buffer; source: SourceState }> {
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

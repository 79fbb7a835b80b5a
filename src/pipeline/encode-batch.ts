import path from 'node:path';
import type { LatentEntry } from '../cache/latent-entry.js';
import type { ProvenanceRecord, RecipeRecord, SourceState } from '../cache/provenance.js';
import type { EncoderInfo, ImageBatch, Moments } from '../encoder/encoder.js';
import { LatentCacheError } from '../errors.js';
import type { EncodedBatch } from '../memory/join-moments.js';
import { absurdMagnitude, allFinite } from '../model/finite.js';
import { normaliseLatent, type PatchStatistics } from '../model/normalise.js';
import { posteriorMean, samplePosterior, seedForImage } from '../model/posterior.js';
import type { NativeBinding } from '../native/binding.js';
import type { LatentShape } from '../trainers/latent-shape.js';
import type { WrittenCache } from '../trainers/trainer.js';
import type { Target } from './options.js';
import type { PlannedImage } from './plan-image.js';
import type { PreparedImage } from './prepare-image.js';

/** Moments of one image: (channels, height, width) each. */
interface ImageMoments {
  readonly mean: Float32Array;
  readonly logvar: Float32Array;
  readonly inFloat32: boolean;
  readonly by: EncoderInfo;
}

/** Encodes a batch of pixels: the governor's, in the precision of the run or in float32. */
export type Encode = (batch: ImageBatch) => Promise<EncodedBatch>;

/** Latents of one image before they are written. */
export interface EncodedImage {
  readonly prepared: PreparedImage;
  readonly straight: ImageMoments;
  readonly flipped: ImageMoments | null;
  /** The precision of the run did not do for it. */
  readonly inFloat32: boolean;
  /** What encoded it. */
  readonly by: EncoderInfo;
}

/**
 * Encodes images of one bucket; flipped pixels are a second pass over the same batch, as in the trainer.
 *
 * @throws LatentCacheError what the encoder throws
 */
export async function encodeImages(
  images: readonly PreparedImage[],
  encode: Encode,
): Promise<EncodedImage[]> {
  const straight = encodePixels(
    images,
    images.map(({ rgb }) => rgb),
    encode,
  );
  const mirrored = images.filter(({ flipped }) => flipped !== null);
  const flipped =
    mirrored.length === 0
      ? []
      : encodePixels(
          mirrored,
          mirrored.map((image) => image.flipped!),
          encode,
        );
  const [moments, flippedMoments] = await Promise.all([straight, flipped]);
  let next = 0;
  return images.map((prepared, index) => {
    const one = moments[index]!;
    const other = prepared.flipped === null ? null : flippedMoments[next++]!;
    return {
      prepared,
      straight: one,
      flipped: other,
      inFloat32: one.inFloat32 || other?.inFloat32 === true,
      by: one.by,
    };
  });
}

async function encodePixels(
  images: readonly PreparedImage[],
  pixels: readonly Uint8Array[],
  encode: Encode,
): Promise<ImageMoments[]> {
  const { width, height } = images[0]!.variant.geometry.bucket;
  const encoded = await encode({ images: pixels, width, height });
  checkMoments(encoded.moments, images);
  return split(encoded);
}

/** An encoder of somebody else may be wrong; its latents would be written with zeros where values lack. */
function checkMoments(
  { mean, logvar, count, channels, height, width }: Moments,
  images: readonly PreparedImage[],
): void {
  const shape = [images.length, ...images[0]!.variant.latentShape];
  const length = shape.reduce((product, side) => product * side, 1);
  const got = [count, channels, height, width];
  if (got.join() === shape.join() && mean.length === length && logvar.length === length) return;
  throw new LatentCacheError(
    'ERR_ENCODER',
    `The encoder gave (${got.join(', ')}) with ${mean.length} and ${logvar.length} values, expected (${shape.join(', ')})`,
  );
}

function split({ moments, by }: EncodedBatch): ImageMoments[] {
  const { mean, logvar, count, repeatedInFloat32 = [] } = moments;
  const length = mean.length / count;
  return Array.from({ length: count }, (_, index) => ({
    mean: mean.subarray(index * length, (index + 1) * length),
    logvar: logvar.subarray(index * length, (index + 1) * length),
    inFloat32: repeatedInFloat32.includes(index),
    by: by[index]!,
  }));
}

/** A cache as it was written, and the record in it. */
export interface StoredImage extends WrittenCache {
  readonly record: ProvenanceRecord;
}

/** What all caches of a run have in common. */
export interface StoreContext {
  /** How the caches of a target are made. */
  recipe(target: Target): RecipeRecord;
  readonly binding: Pick<NativeBinding, 'samplePosterior' | 'writeFileAtomic'>;
  /** Of the VAE, for models whose latents are normalised by them. */
  readonly patchStatistics: PatchStatistics | undefined;
}

/** Latents of an image or of one of its control images, with the values that the trainer stores. */
export interface LatentPart {
  readonly shape: LatentShape;
  readonly latents: Float32Array;
  /** Of the mirrored image, and its mask; null where the cache does not want them. */
  readonly flipped: Float32Array | null;
  readonly alpha: Uint8Array | null;
  readonly source: SourceState;
  readonly inFloat32: boolean;
  readonly by: EncoderInfo;
}

/**
 * Takes the mean or a sample, checks it, gives it the values that the trainer stores, writes the file.
 *
 * @param cache one of the image's, without control images
 * @returns undefined when nothing is to be written
 * @throws LatentCacheError as `takeLatents` and `storeLatents`
 */
export async function storeImage(
  image: EncodedImage,
  cache: PlannedImage,
  context: StoreContext,
): Promise<StoredImage | undefined> {
  return storeLatents([takeLatents(image, cache, context)], cache, context);
}

/**
 * Takes the mean or a sample, checks it, gives it the values that the trainer stores. Nothing of it is shared with the batch.
 *
 * @param cache one of the image's
 * @throws LatentCacheError `ERR_NON_FINITE`
 */
export function takeLatents(
  { prepared, straight, flipped, inFloat32, by }: EncodedImage,
  { image, target }: PlannedImage,
  { binding, patchStatistics }: StoreContext,
): LatentPart {
  const { trainer, posterior, seed, model } = target;
  const { variant: pixels, alpha, source } = prepared;
  const { latentShape, control, file } = pixels;
  const check = (values: Float32Array): Float32Array => {
    const absurd = absurdMagnitude(values);
    if (absurd !== undefined) throw notALatent(file.path, absurd);
    return values;
  };
  const raw = (moments: ImageMoments, variant: string): Float32Array => {
    if (!allFinite(moments.mean) || !allFinite(moments.logvar)) throw notFinite(file.path);
    if (posterior === 'mean') return check(posteriorMean(moments.mean));
    // One stream for each image, size and orientation, whatever else the run holds.
    const [, height, width] = latentShape;
    const key = `${image.relativePath}\n${width}x${height}\n${variant}`;
    return check(samplePosterior(moments.mean, moments.logvar, seedForImage(seed, key), binding));
  };
  const stored = (moments: ImageMoments, variant: string) => {
    const values = raw(moments, variant);
    return trainer.values === 'raw'
      ? { values, shape: latentShape }
      : normaliseLatent(model, values, latentShape, patchStatistics);
  };
  const { values, shape } = stored(straight, control === undefined ? 'straight' : `control ${control}`);
  const keepsFlipped = target.flipAug && flipped !== null;
  return {
    shape,
    latents: values,
    flipped: keepsFlipped ? stored(flipped, 'flipped').values : null,
    alpha: target.alphaMask ? alpha : null,
    source,
    inFloat32,
    by,
  };
}

/**
 * Writes the file of a cache.
 *
 * @param parts the image's, then those of its control images
 * @returns undefined when nothing is to be written
 * @throws LatentCacheError `ERR_DISK_FULL`, `ERR_OUTPUT_NOT_WRITABLE`, `ERR_CACHE_WRITE`
 */
export async function storeLatents(
  [own, ...controls]: readonly [LatentPart, ...LatentPart[]],
  { image, geometry, cachePath, keySuffix, target }: PlannedImage,
  { recipe, binding, patchStatistics }: StoreContext,
): Promise<StoredImage | undefined> {
  const { trainer, model } = target;
  if (target.leaveFiles) return undefined;
  const entry: LatentEntry = {
    shape: own.shape,
    latents: own.latents,
    latentsFlipped: own.flipped,
    alphaMask: own.alpha,
    geometry,
    ...(controls.length > 0 && { controls: controls.map(({ shape, latents }) => ({ shape, latents })) }),
  };
  const inFloat32 = [own, ...controls].some((part) => part.inFloat32);
  const record: ProvenanceRecord = {
    model: model.id,
    recipe: recipe(target),
    encoder: { backend: own.by.backend, precision: inFloat32 ? 'fp32' : own.by.precision },
    source: own.source,
    ...(controls.length > 0 && { controls: controls.map(({ source }) => source) }),
  };
  const request = {
    path: cachePath,
    imageName: path.basename(image.path),
    entry,
    keySuffix,
    dtype: target.dtype,
    record,
    patchStatistics,
  };
  return { ...(await trainer.files.write(request, binding)), record };
}

function notALatent(file: string, value: number): LatentCacheError {
  return new LatentCacheError(
    'ERR_NON_FINITE',
    `The latent of ${file} has the value ${value.toPrecision(3)}, which no latent has; it was not written`,
    { path: file, remedy: 'Latents are of the order of 1 to 10: check the VAE, or use its float32 version.' },
  );
}

function notFinite(file: string): LatentCacheError {
  return new LatentCacheError('ERR_NON_FINITE', `The latent of ${file} is not finite; it was not written`, {
    path: file,
    remedy: 'The VAE or its precision overflows on this image: use a float32 VAE, or check the VAE file.',
  });
}

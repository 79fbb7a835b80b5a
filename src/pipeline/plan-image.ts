import path from 'node:path';
import { cachePath, keySuffix } from '../cache/sd-scripts.js';
import type { Bucket, Size } from '../dataset/bucket.js';
import type { FoundImage } from '../dataset/find-images.js';
import { type Geometry, planGeometry } from '../dataset/geometry.js';
import type { ImageInfo } from '../dataset/inspect-image.js';
import { LatentCacheError } from '../errors.js';
import type { FileState } from '../manifest/file-state.js';
import type { ModelFacts } from '../model/catalog.js';
import type { BuildSettings } from './options.js';

/** An image that has a place to go. */
export interface PlannedImage {
  readonly image: FoundImage;
  readonly info: ImageInfo;
  /** The image file before anything of it was read. */
  readonly state: FileState;
  readonly geometry: Geometry;
  /** The size in the cache's name. */
  readonly listed: Size;
  /** (channels, height, width) of its latent. */
  readonly latentShape: readonly [number, number, number];
  readonly cachePath: string;
  readonly keySuffix: string;
}

/** NAME_MAX of Linux file systems. */
const MAX_NAME_BYTES = 255;
/** What the resampler takes; no trainer gets through an image of that size. */
const MAX_RESIZED_SIDE = 2 ** 20;

/**
 * Finds the place of an image whose header was read.
 *
 * @throws LatentCacheError `ERR_IMAGE_TOO_SMALL`, `ERR_NAME_TOO_LONG`
 */
export function placeImage(
  image: FoundImage,
  info: ImageInfo,
  state: FileState,
  settings: BuildSettings,
): PlannedImage {
  const { size } = info;
  const listed = listedSize(info, settings);
  if (listed.width < 1 || listed.height < 1) throw unusable(size, 'the trainer reads a side of it as 0');
  const geometry = planGeometry(settings.buckets, size, listed);
  const { resized } = geometry;
  if (Math.max(resized.width, resized.height) > MAX_RESIZED_SIDE) {
    throw unusable(size, `it would be enlarged to ${resized.width}x${resized.height}`);
  }
  const shape = latentShape(geometry.bucket, settings.model);
  const [, height, width] = shape;
  const beside = settings.outDir === undefined ? image.path : path.join(settings.outDir, image.relativePath);
  const target = cachePath(beside, listed, settings);
  if (Buffer.byteLength(path.basename(target)) > MAX_NAME_BYTES) {
    throw new LatentCacheError('ERR_NAME_TOO_LONG', `${path.basename(target)} is too long for a file name`, {
      remedy: 'Shorten the name of the image: size and suffix are added to it.',
    });
  }
  return {
    image,
    info,
    state,
    geometry,
    listed,
    latentShape: shape,
    cachePath: target,
    keySuffix: keySuffix({ height, width }, settings),
  };
}

/** (channels, height, width) of a bucket's latents. */
export function latentShape(
  bucket: Bucket,
  { latentChannels, stride }: ModelFacts,
): readonly [channels: number, height: number, width: number] {
  return [latentChannels, Math.floor(bucket.height / stride), Math.floor(bucket.width / stride)];
}

/** The size that the trainer takes an image for, by which its cache is named. */
export function listedSize(
  { size, traits }: Pick<ImageInfo, 'size' | 'traits'>,
  settings: BuildSettings,
): Size {
  const misread = settings.webpSize === 'trainer' && traits.includes('webp-extended');
  // imagesize 1.4.1 takes the stored fields for the size, but the format stores each side less one.
  return misread ? { width: size.width - 1, height: size.height - 1 } : size;
}

function unusable({ width, height }: Size, reason: string): LatentCacheError {
  return new LatentCacheError(
    'ERR_IMAGE_TOO_SMALL',
    `The image of ${width}x${height} pixels cannot be used: ${reason}`,
    {
      remedy: 'Take the image out of the data set; the trainer stops on it.',
    },
  );
}

/** Absolute path of an image's cache. */
export function targetOf(item: PlannedImage): string {
  return path.resolve(item.cachePath);
}

/** Where caches go: below this folder, or beside the images when it is undefined. */
export type OutputSettings = Pick<BuildSettings, 'outDir'>;

/** The folder whose manifest and lock an image's cache belongs to. */
export function outputRoot(image: Pick<FoundImage, 'root'>, settings: OutputSettings): string {
  return settings.outDir ?? image.root;
}

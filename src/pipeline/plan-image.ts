import path from 'node:path';
import type { Bucket, Size } from '../dataset/bucket.js';
import type { FoundImage } from '../dataset/find-images.js';
import type { Geometry } from '../dataset/geometry.js';
import type { ImageInfo } from '../dataset/inspect-image.js';
import { LatentCacheError } from '../errors.js';
import type { FileState } from '../manifest/file-state.js';
import type { ModelFacts } from '../model/catalog.js';
import { normalisedShape } from '../model/normalise.js';
import type { Resampling } from '../trainers/trainer.js';
import { type ControlImage, controlError, type PlannedControl } from './control-images.js';
import type { ImageTable } from './image-table.js';
import type { Target } from './options.js';

/** An image that has a place to go: one cache of it. */
export interface PlannedImage {
  readonly image: FoundImage;
  readonly info: ImageInfo;
  /** The image file before anything of it was read. */
  readonly state: FileState;
  readonly target: Target;
  readonly geometry: Geometry;
  readonly resampling: Resampling;
  /** The size in the cache's name. */
  readonly listed: Size;
  /** (channels, height, width) of what the encoder makes of it. */
  readonly latentShape: readonly [number, number, number];
  readonly cachePath: string;
  /** The cache as its manifest names it: its path below the folder of the images. */
  readonly output: string;
  readonly keySuffix: string;
  /** Their latents stand in the same cache, in this order. */
  readonly controls: readonly PlannedControl[];
}

/** NAME_MAX of Linux file systems. */
const MAX_NAME_BYTES = 255;
/** What the resampler takes; no trainer gets through an image of that size. */
const MAX_RESIZED_SIDE = 2 ** 20;

/**
 * Finds the place of an image whose header was read.
 *
 * @param controls its control images, where they were looked at
 * @throws LatentCacheError `ERR_IMAGE_TOO_SMALL`, `ERR_NAME_TOO_LONG`, `ERR_CONTROL_IMAGE`
 */
export function placeImage(
  image: FoundImage,
  info: ImageInfo,
  state: FileState,
  target: Target,
  controls: readonly ControlImage[] = [],
): PlannedImage {
  const { trainer, model, outDir } = target;
  const { folder } = trainer.files;
  const name = path.basename(image.path);
  const { cacheName, geometry, resampling, listed, keySuffix } = trainer.place(name, info, image.listed);
  const { bucket } = geometry;
  checkResized(info.size, geometry);
  if (Buffer.byteLength(cacheName) > MAX_NAME_BYTES) {
    throw new LatentCacheError('ERR_NAME_TOO_LONG', `${cacheName} is too long for a file name`, {
      remedy: 'Shorten the name of the image: size and suffix are added to it.',
    });
  }
  const output = folder === '' ? cacheName : `${folder}/${cacheName}`;
  const beside = outDir === undefined ? image.path : path.join(outDir, image.relativePath);
  // by name, not by spreading: this runs for every image of a data set
  return {
    image,
    info,
    state,
    target,
    geometry,
    resampling,
    listed,
    latentShape: latentShape(bucket, model),
    cachePath: beside.slice(0, -name.length) + output,
    output,
    keySuffix,
    controls: controls.map((control) => placeControl(control, bucket, target)),
  };
}

/** The place of an image of a table. */
export function planned(table: ImageTable, image: number, target: Target): PlannedImage {
  return placeImage(table.image(image), table.info(image), table.state(image), target, table.controls(image));
}

function placeControl(control: ControlImage, bucket: Bucket, { trainer, model }: Target): PlannedControl {
  try {
    const placement = trainer.controls!.place(control.info, bucket);
    checkResized(control.info.size, placement.geometry);
    return { ...control, ...placement, latentShape: latentShape(placement.geometry.bucket, model) };
  } catch (thrown) {
    throw controlError(control.path, thrown);
  }
}

function checkResized(size: Size, { resized }: Geometry): void {
  if (Math.max(resized.width, resized.height) <= MAX_RESIZED_SIDE) return;
  throw unusable(size, `it would be enlarged to ${resized.width}x${resized.height}`);
}

/** (channels, height, width) of a bucket's latents. */
export function latentShape(
  bucket: Bucket,
  { latentChannels, stride }: Pick<ModelFacts, 'latentChannels' | 'stride'>,
): readonly [channels: number, height: number, width: number] {
  return [latentChannels, Math.floor(bucket.height / stride), Math.floor(bucket.width / stride)];
}

/** (channels, height, width) of the latents in a file, from those that the encoder gives. */
export function storedShape(
  shape: PlannedImage['latentShape'],
  { trainer, model }: Pick<Target, 'trainer' | 'model'>,
): PlannedImage['latentShape'] {
  return trainer.values === 'raw' ? shape : normalisedShape(model, shape);
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
export function targetOf(item: Pick<PlannedImage, 'cachePath'>): string {
  return path.resolve(item.cachePath);
}

/** Where caches go: below this folder, or beside the images when it is undefined. */
export type OutputSettings = Pick<Target, 'outDir'>;

/** The folder whose manifest and lock an image's cache belongs to. */
export function outputRoot(image: Pick<FoundImage, 'root'>, settings: OutputSettings): string {
  return settings.outDir ?? image.root;
}

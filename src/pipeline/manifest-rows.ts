/** Images of a run as rows of their manifest. */
import type { FoundImage } from '../dataset/find-images.js';
import type { FileState } from '../manifest/file-state.js';
import type { WrittenRow } from '../manifest/root-manifest.js';
import type { CacheRow, FailureRow } from '../manifest/rows.js';
import { PACKAGE_VERSION } from '../package-version.js';
import { controlMark } from './control-images.js';
import type { LatentPart, StoredImage } from './encode-batch.js';
import type { FailedEvent } from './events.js';
import { type PlannedImage, targetOf } from './plan-image.js';

/** An image as its manifest names it. */
export function imageKey({ relativePath }: FoundImage): { folder: string; image: string } {
  const slash = relativePath.lastIndexOf('/');
  return { folder: relativePath.slice(0, Math.max(0, slash)), image: relativePath.slice(slash + 1) };
}

/** What a row says of an image besides how its cache was made. */
export function rowSubject(
  item: PlannedImage,
): Pick<
  CacheRow,
  'folder' | 'image' | 'output' | 'keySuffix' | 'source' | 'controls' | 'info' | 'placement'
> {
  const { geometry, listed, info, state, keySuffix, output } = item;
  const { bucket, resized, crop } = geometry;
  const controls = controlMark(item.target.trainer.controls, item.controls);
  return {
    ...imageKey(item.image),
    output,
    keySuffix,
    source: state,
    ...(controls !== undefined && { controls }),
    info,
    placement: { listed, bucket, resized, crop },
  };
}

/** A cache that has just been written. */
export function writtenRow(
  item: PlannedImage,
  { flipped, alpha, by }: LatentPart,
  { bytes, crc32, record }: StoredImage,
): WrittenRow {
  return {
    ...rowSubject(item),
    file: targetOf(item),
    sha256: record.source.sha256,
    recipe: {
      ...record.recipe,
      flip: flipped !== null,
      alpha: alpha !== null,
    },
    encoder: { ...record.encoder, version: PACKAGE_VERSION, runtime: by.runtime },
    cache: { bytes, crc32 },
  };
}

/** @param source the image when it failed */
export function failureRow(image: FoundImage, source: FileState, failure: FailedEvent): FailureRow {
  const { code, message, remedy } = failure;
  return {
    ...imageKey(image),
    code,
    // The root may lie elsewhere in the next run.
    message: message.replaceAll(image.path, image.relativePath),
    remedy: remedy ?? null,
    source,
    version: PACKAGE_VERSION,
  };
}

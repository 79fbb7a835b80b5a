/** A cache against its image: sizes, crop, and whether the image is still the one that was encoded. */

import type { ProvenanceRecord } from '../cache/provenance.js';
import type { Size } from '../dataset/bucket.js';
import { cropLtrb } from '../dataset/geometry.js';
import type { ImageInfo } from '../dataset/inspect-image.js';
import { sameSize, sizeName } from '../dataset/size.js';
import type { Candidate } from './candidates.js';
import { type Entry, latentSize } from './entries.js';
import type { VerifySettings } from './options.js';
import type { Finding } from './results.js';

/** @param records ours, by key suffix */
export function checkAgainstImage(
  candidate: Candidate,
  entries: readonly Entry[],
  records: ReadonlyMap<string, ProvenanceRecord>,
  info: ImageInfo,
  settings: Pick<VerifySettings, 'bucketOf' | 'flipAug' | 'alphaMask'>,
): Finding[] {
  const { size } = info;
  const named = candidate.named?.size;
  const listed = sizesTaken(info).find((each) => named === undefined || sameSize(each, named));
  if (listed === undefined) {
    return [
      {
        code: 'ERR_CACHE_STALE',
        message: `it belongs to an image of ${sizeName(named!)} pixels, ${candidate.images[0]} has ${sizeName(size)}`,
        remedy: 'Remove it: the trainer takes the size of the image from its name.',
        removable: true,
      },
    ];
  }
  const { stride } = candidate.models[0]!;
  const findings: Finding[] = [];
  for (const entry of entries) {
    const { originalSize, keySuffix } = entry;
    if (originalSize !== undefined && !(originalSize[0] === size.width && originalSize[1] === size.height)) {
      findings.push(
        geometry(
          `its original_size${keySuffix} is ${originalSize.join('x')}, the image has ${sizeName(size)}`,
        ),
      );
      continue;
    }
    const record = records.get(keySuffix);
    if (record === undefined) continue;
    if (record.source.bytes !== info.bytes) findings.push(imageChanged());
    // Others may have had other conventions for the crop; ours is exact.
    const cells = latentSize(entry);
    if (cells === undefined || entry.cropLtrb === undefined) continue;
    const bucket = { width: cells.width * stride, height: cells.height * stride };
    const expected = cropLtrb(bucket, size);
    if (!entry.cropLtrb.every((value, index) => value === expected[index]))
      findings.push(geometry(`its crop_ltrb${keySuffix} does not fit its size and the image`));
  }
  return [...findings, ...checkBucket(candidate, entries, info, listed, settings)];
}

/** What the options of this call ask for; they may be wrong themselves, so that nothing is removed for it. */
function checkBucket(
  candidate: Candidate,
  entries: readonly Entry[],
  info: ImageInfo,
  listed: Size,
  { bucketOf, flipAug, alphaMask }: Pick<VerifySettings, 'bucketOf' | 'flipAug' | 'alphaMask'>,
): Finding[] {
  if (bucketOf === undefined) return [];
  const { stride } = candidate.models[0]!;
  const bucket = bucketOf(info, listed);
  const height = Math.floor(bucket.height / stride);
  const width = Math.floor(bucket.width / stride);
  const wanted = entries.find((entry) => {
    const cells = latentSize(entry);
    return cells?.height === height && cells.width === width;
  });
  const missing = (message: string): Finding[] => [
    {
      code: 'ERR_CACHE_GEOMETRY',
      message,
      remedy: 'Run latent-cache build with these options, or give the options of the build.',
      removable: false,
    },
  ];
  if (wanted === undefined) return missing(`it has no latents for the bucket ${sizeName(bucket)}`);
  if (flipAug && wanted.latentsFlipped === undefined) return missing('it has no flipped latents');
  if (alphaMask && wanted.alphaMask === undefined) return missing('it has no alpha mask');
  return [];
}

/** sd-scripts' imagesize 1.4.1 reads the sides of a WebP file with an extended header one pixel short. */
function sizesTaken({ size, traits }: ImageInfo): Size[] {
  if (!traits.includes('webp-extended')) return [size];
  return [size, { width: size.width - 1, height: size.height - 1 }];
}

export function imageChanged(): Finding {
  return {
    code: 'ERR_CACHE_OUTDATED',
    message: 'the image has changed since it was encoded',
    remedy: 'Run latent-cache build: it encodes the image again.',
    removable: true,
  };
}

function geometry(message: string): Finding {
  const remedy = 'Make it again: it belongs to another image of this name, or was changed.';
  return { code: 'ERR_CACHE_GEOMETRY', message, remedy, removable: true };
}

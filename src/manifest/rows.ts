/** What the manifest knows of an image, and how that lies in its tables. */
import type { EncoderRecord, RecipeRecord } from '../cache/provenance.js';
import type { Bucket, Size } from '../dataset/bucket.js';
import type { Geometry } from '../dataset/geometry.js';
import type { ImageInfo, ImageTrait, StoredPixels } from '../dataset/inspect-image.js';
import { columns } from './columns.js';
import type { FileState } from './file-state.js';

/** Everything that the stored numbers depend on besides image and geometry. */
export interface CacheRecipe extends RecipeRecord {
  /** The cache holds latents of the mirrored image too. */
  readonly flip: boolean;
  /** It holds a mask. */
  readonly alpha: boolean;
}

/** What computed it; null where the cache's own record does not tell. */
export interface CacheEncoder extends EncoderRecord {
  /** Of this package. */
  readonly version: string | null;
  /** The backend's libraries and their versions. */
  readonly runtime: string | null;
}

/** The way of an image into its bucket. */
export interface Placement {
  /** The size in the cache's name. */
  readonly listed: Size;
  readonly bucket: Bucket;
  /** null where only the cache was read, which does not tell. */
  readonly resized: Size | null;
  readonly crop: Geometry['crop'] | null;
}

/** One image in one cache file under one key suffix. */
export interface CacheRow {
  /** Relative to the root, with forward slashes; '' for the root itself. */
  readonly folder: string;
  /** Names of files in that folder. */
  readonly image: string;
  readonly output: string;
  readonly keySuffix: string;
  readonly source: FileState;
  /** SHA-256 of the image file, hex. */
  readonly sha256: string;
  /** Stands for the files of its control images and what was made of them, hex; absent where it has none. */
  readonly controls?: string;
  readonly info: Pick<ImageInfo, 'size' | 'stored' | 'orientation' | 'traits'>;
  readonly placement: Placement;
  readonly recipe: CacheRecipe;
  readonly encoder: CacheEncoder;
  readonly cache: CacheState;
}

/** The cache file as it was written or last read. */
export interface CacheState {
  readonly bytes: number;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
  /** Of the whole file. It finds damage, not forgery; CRC-32 costs a tenth of SHA-256, and zip uses it already. */
  readonly crc32: number;
}

/** An image that could not be cached. */
export interface FailureRow {
  readonly folder: string;
  readonly image: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
  readonly source: FileState;
  /** Of the package that failed on it: another may know better. */
  readonly version: string;
}

export const CACHE_COLUMNS = columns(
  'folder:text image:text output:text key_suffix:text ' +
    'source_bytes:integer source_modified:integer source_changed:integer source_sha256:text ' +
    'width:integer height:integer stored:text traits:text ' +
    'listed_width:integer listed_height:integer bucket_width:integer bucket_height:integer ' +
    'resized_width:integer? resized_height:integer? crop_left:integer? crop_top:integer? ' +
    'recipe:integer encoder:integer cache_bytes:integer cache_modified:integer cache_crc32:integer orientation:integer ' +
    'controls:text?',
);
export const FAILURE_COLUMNS = columns(
  'folder:text image:text code:text message:text remedy:text? ' +
    'source_bytes:integer source_modified:integer source_changed:integer version:text',
);

/** A value as libsql binds it and, with safe integers, gives it back. */
export type Value = string | number | bigint | null;

export function cacheValues(row: CacheRow, recipe: number, encoder: number): Value[] {
  const { info, placement, source, cache } = row;
  const { listed, bucket, resized, crop } = placement;
  return [
    row.folder,
    row.image,
    row.output,
    row.keySuffix,
    source.bytes,
    source.modified,
    source.changed,
    row.sha256,
    info.size.width,
    info.size.height,
    info.stored,
    info.traits.join(' '),
    listed.width,
    listed.height,
    bucket.width,
    bucket.height,
    resized?.width ?? null,
    resized?.height ?? null,
    crop?.left ?? null,
    crop?.top ?? null,
    recipe,
    encoder,
    cache.bytes,
    cache.modified,
    cache.crc32,
    info.orientation,
    row.controls ?? null,
  ];
}

/** @param find the recipe and the encoder of an id */
export function cacheRow(
  values: readonly Value[],
  find: { recipe(id: number): CacheRecipe; encoder(id: number): CacheEncoder },
): CacheRow {
  const number = (index: number) => Number(values[index]);
  const size = (index: number) => ({ width: number(index), height: number(index + 1) });
  const placed = values[16] !== null;
  const controls = values[26] as string | null;
  return {
    folder: values[0] as string,
    image: values[1] as string,
    output: values[2] as string,
    keySuffix: values[3] as string,
    source: sourceAt(values, 4),
    sha256: values[7] as string,
    ...(controls !== null && { controls }),
    info: {
      size: size(8),
      stored: values[10] as StoredPixels,
      orientation: number(25),
      traits: values[11] === '' ? [] : ((values[11] as string).split(' ') as ImageTrait[]),
    },
    placement: {
      listed: size(12),
      bucket: size(14),
      resized: placed ? size(16) : null,
      crop: placed ? { left: number(18), top: number(19) } : null,
    },
    recipe: find.recipe(number(20)),
    encoder: find.encoder(number(21)),
    cache: { bytes: number(22), modified: values[23] as bigint, crc32: number(24) },
  };
}

export function failureValues(row: FailureRow): Value[] {
  const { bytes, modified, changed } = row.source;
  return [row.folder, row.image, row.code, row.message, row.remedy, bytes, modified, changed, row.version];
}

export function failureRow(values: readonly Value[]): FailureRow {
  return {
    folder: values[0] as string,
    image: values[1] as string,
    code: values[2] as string,
    message: values[3] as string,
    remedy: values[4] as string | null,
    source: sourceAt(values, 5),
    version: values[8] as string,
  };
}

function sourceAt(values: readonly Value[], at: number): FileState {
  return { bytes: Number(values[at]), modified: values[at + 1] as bigint, changed: values[at + 2] as bigint };
}

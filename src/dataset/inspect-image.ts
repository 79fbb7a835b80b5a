import type { Metadata } from 'sharp';
import { LatentCacheError } from '../errors.js';
import type { FileStatus, NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import { sharp } from '../sharp.js';
import { readBmpHeader } from './bmp-header.js';
import type { Size } from './bucket.js';
import { exifOfRawProfile, exifOrientation } from './exif-orientation.js';
import { decodeError, fileError } from './image-errors.js';
import { opensAsRgba } from './opens-as-rgba.js';

/** How the stored colours must be read to equal Pillow's `convert("RGB")`. */
export type StoredPixels = 'rgb' | 'cmyk' | 'grey16' | 'bmp';

/** What the header of an image file says; no pixel has been decoded. */
export interface ImageInfo {
  /** Size of the stored pixels: EXIF orientation is not applied, as the trainer does not. */
  readonly size: Size;
  readonly stored: StoredPixels;
  /** EXIF orientation of the stored pixels, 1 to 8, as `PIL.ImageOps.exif_transpose` judges it; 1 is upright. */
  readonly orientation: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly traits: readonly ImageTrait[];
}

/** Properties by which a trainer's pixels differ from what a viewer shows, or from another trainer's. */
export type ImageTrait =
  | 'exif-orientation'
  | 'icc-profile'
  | 'transparency'
  | 'cmyk'
  | '16-bit'
  | 'webp-extended'
  /** Pillow opens it in mode RGBA: alpha goes through resizing with the colours. No defect of any trainer. */
  | 'rgba';

/** By content, whatever the file is called. SVG and PDF are no photographs, and Pillow reads neither. */
const FORMATS = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif']);

/** Enough for the header of a bitmap and the kind of a WebP file. */
const HEAD_BYTES = 160;

/**
 * @param maxPixels images of more pixels are refused before they are decoded
 * @throws LatentCacheError `ERR_IMAGE_*` with the path and a remedy
 */
export async function inspectImage(
  file: string,
  maxPixels: number,
  binding: Pick<NativeBinding, 'inspectFile'> = loadBinding(),
): Promise<ImageInfo> {
  const head = Buffer.alloc(HEAD_BYTES);
  const { bytes, headBytes } = await checkFile(file, head, binding);
  const header = await readHeader(file, head.subarray(0, headBytes));
  checkPixels(file, header.size, maxPixels);
  return { ...header, bytes };
}

/** @throws LatentCacheError `ERR_IMAGE_TOO_LARGE` */
export function checkPixels(file: string, { width, height }: Size, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  throw new LatentCacheError(
    'ERR_IMAGE_TOO_LARGE',
    `${file} has ${width}x${height} pixels, more than the limit of ${maxPixels}`,
    { path: file, remedy: 'Scale the image down, or raise --max-pixels if you trust it.' },
  );
}

async function checkFile(
  file: string,
  head: Uint8Array,
  binding: Pick<NativeBinding, 'inspectFile'>,
): Promise<FileStatus> {
  let status: FileStatus;
  try {
    status = await binding.inspectFile(file, head);
  } catch (cause) {
    throw fileError(file, cause);
  }
  if (status.kind !== 'file') {
    const kind = status.kind === 'folder' ? 'a folder' : 'no regular file';
    throw new LatentCacheError('ERR_IMAGE_NOT_A_FILE', `${file} is named like an image but is ${kind}`, {
      path: file,
      remedy: 'Rename it or move it out of the data set; the trainer stops on it.',
    });
  }
  if (status.bytes === 0) {
    throw new LatentCacheError('ERR_IMAGE_EMPTY', `${file} is empty (0 bytes)`, {
      path: file,
      remedy: 'Copy the image again or delete the file.',
    });
  }
  return status;
}

async function readHeader(file: string, start: Buffer): Promise<Omit<ImageInfo, 'bytes'>> {
  if (start.toString('latin1', 0, 2) === 'BM') {
    const { size, masks } = readBmpHeader(start, file);
    const traits: ImageTrait[] = masks[3] === 0 ? [] : ['transparency', 'rgba'];
    return { size, stored: 'bmp', orientation: 1, traits };
  }
  let metadata: Metadata;
  try {
    metadata = await sharp(file, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw decodeError(file, cause);
  }
  if (!FORMATS.has(metadata.format)) throw decodeError(file, new Error('unsupported image format'));
  const traits: ImageTrait[] = [];
  if ((metadata.orientation ?? 1) !== 1) traits.push('exif-orientation');
  if (metadata.hasProfile) traits.push('icc-profile');
  if (metadata.hasAlpha) traits.push('transparency');
  if (metadata.space === 'cmyk') traits.push('cmyk');
  if (metadata.depth === 'ushort') traits.push('16-bit');
  if (isExtendedWebp(start)) traits.push('webp-extended');
  if (opensAsRgba({ ...metadata, head: start })) traits.push('rgba');
  const stored = metadata.space === 'cmyk' ? 'cmyk' : isPngGrey16(start) ? 'grey16' : 'rgb';
  const size = { width: metadata.width, height: metadata.height };
  return { size, stored, orientation: orientationOf(metadata), traits };
}

function orientationOf(metadata: Metadata): number {
  switch (metadata.format) {
    case 'heif': // libheif has turned the pixels already, and Pillow takes its word over EXIF's
    case 'gif':
      return 1;
    case 'tiff':
      return metadata.orientation ?? 1;
    case 'png': {
      const raw = metadata.comments?.find(({ keyword }) => keyword === 'Raw profile type exif');
      const exif = metadata.exif ?? (raw === undefined ? undefined : exifOfRawProfile(raw.text));
      return exifOrientation({ exif, xmp: metadata.xmp });
    }
    default:
      return exifOrientation({ exif: metadata.exif, xmp: metadata.xmp });
  }
}

/** Depth 16 and colour type 0 in the PNG header; a transparent colour does not change how Pillow reads it. */
function isPngGrey16(start: Buffer): boolean {
  return start.toString('latin1', 1, 4) === 'PNG' && start[24] === 16 && start[25] === 0;
}

function isExtendedWebp(start: Buffer): boolean {
  return start.toString('latin1', 0, 4) === 'RIFF' && start.toString('latin1', 8, 16) === 'WEBPVP8X';
}

import type { Sharp } from 'sharp';
import type { Size } from '../dataset/bucket.js';
import { decodeError } from '../dataset/image-errors.js';
import type { StoredPixels } from '../dataset/inspect-image.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import { sharp } from '../sharp.js';
import { decodeBmp } from './bmp.js';
import { type IccProblem, profileToSrgb } from './icc.js';
import { keyAlpha, pillowColourKey } from './png-key.js';
import type { TiffColours, TiffPixels } from './tiff.js';

/** Interleaved uint8 pixels as Pillow's `convert("RGB")` or `convert("RGBA")` gives them. */
export interface DecodedImage {
  /** (height, width, channels) */
  readonly data: Uint8Array;
  readonly size: Size;
  readonly channels: 3 | 4;
  /** Why an embedded profile was left aside although `icc` is `srgb`; the pixels are then those of `ignore`. */
  readonly iccIgnored?: IccProblem;
}

export interface DecodeOptions {
  readonly stored: StoredPixels;
  /** Keep alpha as a fourth channel (255 where the file has none); without it alpha is dropped, not blended. */
  readonly alpha: boolean;
  readonly maxPixels: number;
  /** `srgb` converts from an embedded profile; an image without one is the same either way. Default: `ignore`. */
  readonly icc?: 'ignore' | 'srgb';
}

/**
 * Decodes one image file as the trainers do: first frame, EXIF orientation not applied, and the ICC profile ignored
 * unless `icc` says otherwise.
 *
 * @param bytes the whole file
 * @param file its path, for messages
 * @throws LatentCacheError `ERR_IMAGE_CORRUPT`, `ERR_IMAGE_FORMAT` or `ERR_IMAGE_TOO_LARGE`
 */
export async function decodeImage(
  bytes: Buffer,
  file: string,
  options: DecodeOptions,
  binding: Pick<NativeBinding, 'convertToRgb'> = loadBinding(),
): Promise<DecodedImage> {
  const { stored, alpha, icc = 'ignore' } = options;
  if (stored === 'bmp') return decodeBmp(bytes, file, alpha ? 4 : 3);
  try {
    const pixels = await storedPixels(bytes, options);
    const profile = icc === 'srgb' ? await profileOf(bytes) : undefined;
    if (profile === undefined) return await withoutProfile(pixels, stored, binding);
    const converted = await applyProfile(pixels, stored, profile);
    if (typeof converted !== 'string') return converted;
    return { ...(await withoutProfile(pixels, stored, binding)), iccIgnored: converted };
  } catch (cause) {
    throw decodeError(file, cause);
  }
}

/** CMYK, 16-bit grey, RGB or RGBA, as `stored` says. */
async function storedPixels(
  bytes: Buffer,
  { stored, alpha, maxPixels }: DecodeOptions,
): Promise<TiffPixels & { data: Buffer }> {
  // Pillow lets decoders' warnings and a wrong checksum pass, and raises for missing data.
  const source = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'truncated', ignoreIcc: true });
  switch (stored) {
    case 'cmyk':
      return rawPixels(source.pipelineColourspace('cmyk').toColourspace('cmyk').raw());
    case 'grey16':
      return rawPixels(source.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' }));
    default: {
      const colours = source.toColourspace('srgb');
      const pixels = await rawPixels((alpha ? colours.ensureAlpha() : colours.removeAlpha()).raw());
      const key = alpha ? pillowColourKey(bytes) : undefined;
      if (key !== undefined) keyAlpha(pixels.data, key);
      return pixels;
    }
  }
}

async function rawPixels(pipeline: Sharp): Promise<TiffPixels & { data: Buffer }> {
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
  return { data, size: { width: info.width, height: info.height }, bands: info.channels };
}

async function withoutProfile(
  { data, size, bands }: TiffPixels,
  stored: StoredPixels,
  binding: Pick<NativeBinding, 'convertToRgb'>,
): Promise<DecodedImage> {
  if (stored !== 'cmyk' && stored !== 'grey16') return { data, size, channels: bands as 3 | 4 };
  const rgb = new Uint8Array(size.width * size.height * 3);
  await binding.convertToRgb(data, stored, rgb);
  return { data: rgb, size, channels: 3 };
}

interface EmbeddedProfile {
  readonly bytes: Buffer;
  readonly ofGreyImage: boolean;
}

async function profileOf(file: Buffer): Promise<EmbeddedProfile | undefined> {
  const { icc, space } = await sharp(file, { limitInputPixels: false }).metadata();
  // libvips calls grey of 8 bits b-w.
  return icc && { bytes: icc, ofGreyImage: ['b-w', 'grey16'].includes(space) };
}

async function applyProfile(
  pixels: TiffPixels,
  stored: StoredPixels,
  { bytes, ofGreyImage }: EmbeddedProfile,
): Promise<DecodedImage | IccProblem> {
  if (stored === 'grey16') return '16-bit-grey';
  const colours: TiffColours = stored === 'cmyk' ? 'cmyk' : ofGreyImage ? 'grey' : 'rgb';
  return profileToSrgb(colours === 'grey' ? firstOfThree(pixels) : pixels, colours, bytes);
}

/** Grey again, from RGB of three equal channels; alpha stays. */
function firstOfThree({ data, size, bands }: TiffPixels): TiffPixels {
  const kept = bands - 2;
  const grey = Buffer.allocUnsafeSlow(size.width * size.height * kept);
  for (let from = 0, to = 0; from < data.length; from += bands) {
    grey[to++] = data[from]!;
    if (kept === 2) grey[to++] = data[from + 3]!;
  }
  return { data: grey, size, bands: kept };
}

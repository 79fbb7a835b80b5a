import sharp from 'sharp';
import type { Size } from '../dataset/bucket.js';
import { decodeError, type StoredPixels } from '../dataset/inspect-image.js';
import { decodeBmp } from './bmp.js';

/** Interleaved uint8 pixels as Pillow's `convert("RGB")` or `convert("RGBA")` gives them. */
export interface DecodedImage {
  /** (height, width, channels) */
  readonly data: Uint8Array;
  readonly size: Size;
  readonly channels: 3 | 4;
}

export interface DecodeOptions {
  readonly stored: StoredPixels;
  /** Keep alpha as a fourth channel (255 where the file has none); without it alpha is dropped, not blended. */
  readonly alpha: boolean;
  readonly maxPixels: number;
}

/**
 * Decodes one image file as the trainers do: first frame, EXIF orientation and ICC profile ignored.
 *
 * @param bytes the whole file
 * @param file its path, for messages
 * @throws LatentCacheError `ERR_IMAGE_CORRUPT`, `ERR_IMAGE_FORMAT` or `ERR_IMAGE_TOO_LARGE`
 */
export async function decodeImage(
  bytes: Buffer,
  file: string,
  options: DecodeOptions,
): Promise<DecodedImage> {
  const image = await decodeStored(bytes, file, options);
  return options.alpha ? image : withoutAlpha(image);
}

async function decodeStored(bytes: Buffer, file: string, options: DecodeOptions): Promise<DecodedImage> {
  if (options.stored === 'bmp') {
    const { rgba, size } = decodeBmp(bytes, file);
    return { data: rgba, size, channels: 4 };
  }
  // Pillow lets decoders' warnings and a wrong checksum pass, and raises for missing data.
  const source = sharp(bytes, { limitInputPixels: options.maxPixels, failOn: 'truncated', ignoreIcc: true });
  try {
    switch (options.stored) {
      case 'cmyk': {
        const { data, info } = await source
          .pipelineColourspace('cmyk')
          .toColourspace('cmyk')
          .raw()
          .toBuffer({ resolveWithObject: true });
        return { data: cmykToRgb(data), size: info, channels: 3 };
      }
      case 'grey16': {
        const { data, info } = await source
          .toColourspace('grey16')
          .raw({ depth: 'ushort' })
          .toBuffer({ resolveWithObject: true });
        return { data: clipGrey16(data), size: info, channels: 3 };
      }
      default: {
        const colours = source.toColourspace('srgb');
        const { data, info } = await (options.alpha ? colours.ensureAlpha() : colours.removeAlpha())
          .raw()
          .toBuffer({ resolveWithObject: true });
        return { data, size: info, channels: info.channels as 3 | 4 };
      }
    }
  } catch (cause) {
    throw decodeError(file, cause);
  }
}

function withoutAlpha(image: DecodedImage): DecodedImage {
  if (image.channels === 3) return image;
  const count = image.size.width * image.size.height;
  const data = new Uint8Array(count * 3);
  for (let pixel = 0; pixel < count; pixel++) {
    data[pixel * 3] = image.data[pixel * 4]!;
    data[pixel * 3 + 1] = image.data[pixel * 4 + 1]!;
    data[pixel * 3 + 2] = image.data[pixel * 4 + 2]!;
  }
  return { ...image, data, channels: 3 };
}

/** Pillow's conversion, which knows no profiles: (255 - K) - C · (255 - K) / 255, the quotient rounded. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const count = cmyk.length / 4;
  const rgb = new Uint8Array(count * 3);
  for (let pixel = 0; pixel < count; pixel++) {
    const light = 255 - cmyk[pixel * 4 + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const product = cmyk[pixel * 4 + channel]! * light + 128;
      rgb[pixel * 3 + channel] = Math.max(0, light - ((product + (product >> 8)) >> 8));
    }
  }
  return rgb;
}

/** Pillow clips 16-bit grey at 255 instead of scaling it. */
function clipGrey16(bytes: Buffer): Uint8Array {
  const count = bytes.length / 2;
  const rgb = new Uint8Array(count * 3);
  for (let pixel = 0; pixel < count; pixel++)
    rgb.fill(Math.min(255, bytes.readUInt16LE(pixel * 2)), pixel * 3, pixel * 3 + 3);
  return rgb;
}

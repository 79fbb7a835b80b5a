import type { Sharp } from 'sharp';
import type { Size } from '../dataset/bucket.js';
import { decodeError } from '../dataset/image-errors.js';
import type { StoredPixels } from '../dataset/inspect-image.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import { sharp } from '../sharp.js';
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
  binding: Pick<NativeBinding, 'convertToRgb'> = loadBinding(),
): Promise<DecodedImage> {
  const { stored, alpha, maxPixels } = options;
  if (stored === 'bmp') return decodeBmp(bytes, file, alpha ? 4 : 3);
  // Pillow lets decoders' warnings and a wrong checksum pass, and raises for missing data.
  const source = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'truncated', ignoreIcc: true });
  try {
    switch (stored) {
      case 'cmyk':
        return await converted(
          source.pipelineColourspace('cmyk').toColourspace('cmyk').raw(),
          stored,
          binding,
        );
      case 'grey16':
        return await converted(
          source.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' }),
          stored,
          binding,
        );
      default: {
        const colours = source.toColourspace('srgb');
        const { data, info } = await (alpha ? colours.ensureAlpha() : colours.removeAlpha())
          .raw()
          .toBuffer({ resolveWithObject: true });
        return { data, size: info, channels: info.channels as 3 | 4 };
      }
    }
  } catch (cause) {
    throw decodeError(file, cause);
  }
}

async function converted(
  pipeline: Sharp,
  layout: 'cmyk' | 'grey16',
  binding: Pick<NativeBinding, 'convertToRgb'>,
): Promise<DecodedImage> {
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
  const rgb = new Uint8Array(info.width * info.height * 3);
  await binding.convertToRgb(data, layout, rgb);
  return { data: rgb, size: info, channels: 3 };
}

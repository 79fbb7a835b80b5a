/** The header of Windows and OS/2 bitmaps: which of them Pillow's BmpImagePlugin reads, and how. */
import { LatentCacheError } from '../errors.js';
import type { Size } from './bucket.js';

export interface BmpHeader {
  readonly size: Size;
  readonly bits: 1 | 4 | 8 | 16 | 24 | 32;
  readonly compression: 0 | 1 | 2 | 3;
  readonly topDown: boolean;
  readonly dataOffset: number;
  readonly paletteOffset: number;
  readonly paletteEntryBytes: 3 | 4;
  readonly paletteEntries: number;
  /** Red, green, blue, alpha. */
  readonly masks: readonly [number, number, number, number];
}

const OS2_HEADER = 12;
const RGB = 0;
export const RLE8 = 1;
export const RLE4 = 2;
const BIT_FIELDS = 3;
const KNOWN_MASKS: Readonly<Record<number, readonly string[]>> = {
  16: ['f800,7e0,1f,0', '7c00,3e0,1f,0'],
  24: ['ff0000,ff00,ff,0'],
  32: [
    'ff0000,ff00,ff,0',
    'ff000000,ff0000,ff00,0',
    'ff000000,ff00,ff,0',
    'ff000000,ff0000,ff00,ff',
    'ff,ff00,ff0000,ff000000',
    'ff0000,ff00,ff,ff000000',
    'ff000000,ff00,ff,ff0000',
  ],
};

/**
 * @param bytes the file, or at least its first 160 bytes
 * @throws LatentCacheError `ERR_IMAGE_CORRUPT` or `ERR_IMAGE_FORMAT`
 */
export function readBmpHeader(bytes: Buffer, file: string): BmpHeader {
  const corrupt = (reason: string): never => {
    throw new LatentCacheError('ERR_IMAGE_CORRUPT', `${file} cannot be decoded: ${reason}`, {
      path: file,
      remedy: 'The file is damaged or cut off: copy it again or remove it from the data set.',
    });
  };
  if (bytes.length < 26) corrupt('the BMP header is cut off');
  const headerBytes = bytes.readUInt32LE(14);
  const os2 = headerBytes === OS2_HEADER;
  if (!os2 && (headerBytes < 40 || headerBytes > 124))
    corrupt(`a BMP header of ${headerBytes} bytes is unknown`);
  if (bytes.length < 14 + Math.min(headerBytes, 56)) corrupt('the BMP header is cut off');

  const width = os2 ? bytes.readUInt16LE(18) : bytes.readInt32LE(18);
  const signedHeight = os2 ? bytes.readUInt16LE(20) : bytes.readInt32LE(22);
  const bits = bytes.readUInt16LE(os2 ? 24 : 28);
  const compression = os2 ? RGB : bytes.readUInt32LE(30);
  if (width <= 0 || signedHeight === 0) corrupt(`a size of ${width}x${signedHeight} is impossible`);

  const masks = readMasks(bytes, headerBytes, bits, compression);
  const supported =
    [1, 4, 8, 16, 24, 32].includes(bits) &&
    (compression === RGB ||
      (compression === RLE8 && bits === 8) ||
      (compression === RLE4 && bits === 4) ||
      (compression === BIT_FIELDS &&
        KNOWN_MASKS[bits]?.includes(masks.map((mask) => mask.toString(16)).join(','))));
  if (!supported) {
    throw new LatentCacheError(
      'ERR_IMAGE_FORMAT',
      `${file} is a BMP with ${bits} bits and compression ${compression}`,
      {
        path: file,
        remedy: 'Convert it to PNG.',
      },
    );
  }
  const usedColours = os2 ? 0 : bytes.readUInt32LE(46);
  return {
    size: { width, height: Math.abs(signedHeight) },
    bits: bits as BmpHeader['bits'],
    compression: compression as BmpHeader['compression'],
    topDown: !os2 && signedHeight < 0,
    dataOffset: bytes.readUInt32LE(10),
    paletteOffset: 14 + headerBytes + (compression === BIT_FIELDS && headerBytes === 40 ? 12 : 0),
    paletteEntryBytes: os2 ? 3 : 4,
    paletteEntries: bits > 8 ? 0 : usedColours > 0 && usedColours <= 256 ? usedColours : 1 << bits,
    masks,
  };
}

function readMasks(
  bytes: Buffer,
  headerBytes: number,
  bits: number,
  compression: number,
): BmpHeader['masks'] {
  if (compression !== BIT_FIELDS) return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
  if (bytes.length < 66) return [0, 0, 0, 0];
  const alpha = headerBytes >= 56 && bytes.length >= 70 ? bytes.readUInt32LE(66) : 0;
  return [bytes.readUInt32LE(54), bytes.readUInt32LE(58), bytes.readUInt32LE(62), alpha];
}

/**
 * Windows and OS/2 bitmaps, which libvips' prebuilt library does not read but the trainers do. Colours come out as
 * Pillow's BmpImagePlugin gives them: 1, 4, 8, 16, 24 and 32 bits, RLE4, RLE8 and the usual bit fields.
 */
import type { Size } from '../dataset/bucket.js';
import { LatentCacheError } from '../errors.js';

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

export interface BmpPixels {
  /** (height, width, 4) uint8 RGBA; alpha is 255 unless the file has an alpha mask. */
  readonly rgba: Uint8Array;
  readonly size: Size;
}

const OS2_HEADER = 12;
const RGB = 0;
const RLE8 = 1;
const RLE4 = 2;
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

/** @throws LatentCacheError `ERR_IMAGE_CORRUPT` when pixels are missing */
export function decodeBmp(bytes: Buffer, file: string): BmpPixels {
  const header = readBmpHeader(bytes, file);
  const { size, bits, compression, topDown } = header;
  const palette = readPalette(bytes, header);
  const data = bytes.subarray(header.dataOffset);
  const stride = Math.ceil((size.width * bits) / 32) * 4;
  const indexed =
    compression === RLE8 || compression === RLE4 ? unpackRle(data, size, compression === RLE4) : undefined;
  if (
    indexed === undefined &&
    data.length < stride * (size.height - 1) + Math.ceil((size.width * bits) / 8)
  ) {
    throw new LatentCacheError(
      'ERR_IMAGE_CORRUPT',
      `${file} cannot be decoded: pixels are missing at its end`,
      {
        path: file,
        remedy: 'The file is cut off: copy it again or remove it from the data set.',
      },
    );
  }

  const rgba = new Uint8Array(size.width * size.height * 4);
  const readPixel = bits > 8 ? wordReader(header) : undefined;
  for (let row = 0; row < size.height; row++) {
    let target = (topDown ? row : size.height - 1 - row) * size.width * 4;
    for (let column = 0; column < size.width; column++, target += 4) {
      if (readPixel !== undefined) {
        readPixel(data, row * stride + (column * bits) / 8, rgba, target);
        continue;
      }
      const index = indexed?.[row * size.width + column] ?? paletteIndex(data, row * stride, column, bits);
      rgba.set(palette.subarray(index * 3, index * 3 + 3), target);
      rgba[target + 3] = 255;
    }
  }
  return { rgba, size };
}

/** RGB triples; entries that the file lacks are black. */
function readPalette(bytes: Buffer, header: BmpHeader): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  for (let entry = 0; entry < header.paletteEntries; entry++) {
    const at = header.paletteOffset + entry * header.paletteEntryBytes;
    for (let channel = 0; channel < 3; channel++) palette[entry * 3 + channel] = bytes[at + 2 - channel] ?? 0;
  }
  return palette;
}

function paletteIndex(data: Buffer, row: number, column: number, bits: number): number {
  const bit = column * bits;
  return (data[row + (bit >> 3)]! >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
}

type PixelReader = (data: Buffer, at: number, rgba: Uint8Array, target: number) => void;

function wordReader({ bits, masks }: BmpHeader): PixelReader {
  const fields = masks.map((mask) => {
    if (mask === 0) return undefined;
    const shift = 31 - Math.clz32(mask & -mask);
    const top = mask >>> shift;
    // Pillow widens 5 and 6 bits as v * 255 / 31 (or 63), rounded down.
    return (pixel: number) => Math.floor((((pixel & mask) >>> shift) * 255) / top);
  });
  const bytesEach = bits / 8;
  return (data, at, rgba, target) => {
    const pixel = data.readUIntLE(at, bytesEach);
    for (let channel = 0; channel < 4; channel++) rgba[target + channel] = fields[channel]?.(pixel) ?? 255;
  };
}

/** Palette indices in file order (bottom row first); what the code leaves out is index 0. */
function unpackRle(data: Buffer, size: Size, nibbles: boolean): Uint8Array {
  const indices = new Uint8Array(size.width * size.height);
  let x = 0;
  let y = 0;
  const put = (index: number) => {
    if (x < size.width && y < size.height) indices[y * size.width + x] = index;
    x++;
  };
  const pick = (byte: number, step: number) => (nibbles ? (step % 2 === 0 ? byte >> 4 : byte & 15) : byte);
  for (let at = 0; at + 1 < data.length; ) {
    const count = data[at]!;
    const value = data[at + 1]!;
    at += 2;
    if (count > 0) {
      for (let step = 0; step < count; step++) put(pick(value, step));
    } else if (value === 0) {
      x = 0;
      y++;
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      x += data[at] ?? 0;
      y += data[at + 1] ?? 0;
      at += 2;
    } else {
      for (let step = 0; step < value; step++) put(pick(data[at + (nibbles ? step >> 1 : step)] ?? 0, step));
      const bytes = nibbles ? Math.ceil(value / 2) : value;
      at += bytes + (bytes % 2);
    }
  }
  return indices;
}

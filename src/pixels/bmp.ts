/**
 * Windows and OS/2 bitmaps, which libvips' prebuilt library does not read but the trainers do. Colours come out as
 * Pillow's BmpImagePlugin gives them: 1, 4, 8, 16, 24 and 32 bits, RLE4, RLE8 and the usual bit fields.
 */
import { setImmediate } from 'node:timers/promises';
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
  /** (height, width, channels) uint8, top row first. */
  readonly data: Uint8Array;
  readonly size: Size;
  readonly channels: 3 | 4;
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

/** Pixels decoded before others get their turn on the main thread. */
const PIXELS_AT_ONCE = 1 << 18;

/**
 * @param channels 4 keeps an alpha mask (255 where the file has none)
 * @throws LatentCacheError `ERR_IMAGE_CORRUPT` when pixels are missing
 */
export async function decodeBmp(bytes: Buffer, file: string, channels: 3 | 4): Promise<BmpPixels> {
  const header = readBmpHeader(bytes, file);
  const { size, bits, compression, topDown } = header;
  const source = bytes.subarray(header.dataOffset);
  const rle = compression === RLE8 || compression === RLE4;
  const data = rle ? unpackRle(source, size, compression === RLE4) : source;
  const bitsEach = rle ? 8 : bits;
  const stride = rle ? size.width : Math.ceil((size.width * bits) / 32) * 4;
  if (data.length < stride * (size.height - 1) + Math.ceil((size.width * bitsEach) / 8)) {
    throw new LatentCacheError(
      'ERR_IMAGE_CORRUPT',
      `${file} cannot be decoded: pixels are missing at its end`,
      {
        path: file,
        remedy: 'The file is cut off: copy it again or remove it from the data set.',
      },
    );
  }

  const pixels = new Uint8Array(size.width * size.height * channels);
  const decodeRow =
    bits > 8 ? wordRows(header, data) : indexedRows(readPalette(bytes, header), data, bitsEach);
  const rowsAtOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / size.width));
  for (let row = 0; row < size.height; row++) {
    const targetRow = topDown ? row : size.height - 1 - row;
    const from = targetRow * size.width * channels;
    decodeRow(row * stride, pixels.subarray(from, from + size.width * channels), channels);
    if (row % rowsAtOnce === rowsAtOnce - 1) await setImmediate();
  }
  return { data: pixels, size, channels };
}

/** Decodes the row that begins at byte `at`. */
type RowDecoder = (at: number, target: Uint8Array, channels: number) => void;

function indexedRows(palette: Uint8Array, data: Uint8Array, bits: number): RowDecoder {
  const mask = (1 << bits) - 1;
  return (at, target, channels) => {
    for (let bit = at * 8, to = 0; to < target.length; bit += bits, to += channels) {
      const entry = ((data[bit >>> 3]! >> (8 - bits - (bit & 7))) & mask) * 3;
      target[to] = palette[entry]!;
      target[to + 1] = palette[entry + 1]!;
      target[to + 2] = palette[entry + 2]!;
      if (channels === 4) target[to + 3] = 255;
    }
  };
}

function wordRows({ bits, masks }: BmpHeader, data: Uint8Array): RowDecoder {
  const bytesEach = bits / 8;
  // Pillow widens 5 and 6 bits as v * 255 / 31 (or 63), rounded down.
  const fields = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, top: mask >>> shift };
  });
  return (at, target, channels) => {
    for (let from = at, to = 0; to < target.length; from += bytesEach, to += channels) {
      let pixel = 0;
      for (let byte = bytesEach - 1; byte >= 0; byte--) pixel = (pixel << 8) | data[from + byte]!;
      for (let channel = 0; channel < channels; channel++) {
        const { mask, shift, top } = fields[channel]!;
        target[to + channel] = mask === 0 ? 255 : Math.floor((((pixel & mask) >>> shift) * 255) / top);
      }
    }
  };
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
  // Short code gives a short row buffer, which the caller refuses as Pillow does.
  const complete = y >= size.height || (y === size.height - 1 && x >= size.width);
  return complete ? indices : indices.subarray(0, 0);
}

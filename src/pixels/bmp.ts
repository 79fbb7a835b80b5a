/**
 * Windows and OS/2 bitmaps, which libvips' prebuilt library does not read but the trainers do. Colours come out as
 * Pillow's BmpImagePlugin gives them: 1, 4, 8, 16, 24 and 32 bits, RLE4, RLE8 and the usual bit fields.
 */
import { setImmediate } from 'node:timers/promises';
import { type BmpHeader, RLE4, RLE8, readBmpHeader } from '../dataset/bmp-header.js';
import type { Size } from '../dataset/bucket.js';
import { LatentCacheError } from '../errors.js';

export interface BmpPixels {
  /** (height, width, channels) uint8, top row first. */
  readonly data: Uint8Array;
  readonly size: Size;
  readonly channels: 3 | 4;
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
  const data = rle ? await unpackRle(source, size, compression === RLE4) : source;
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
async function unpackRle(data: Buffer, size: Size, nibbles: boolean): Promise<Uint8Array> {
  const indices = new Uint8Array(size.width * size.height);
  let x = 0;
  let y = 0;
  const put = (index: number) => {
    if (x < size.width && y < size.height) indices[y * size.width + x] = index;
    x++;
  };
  const pick = (byte: number, step: number) => (nibbles ? (step % 2 === 0 ? byte >> 4 : byte & 15) : byte);
  let pause = PIXELS_AT_ONCE;
  for (let at = 0; at + 1 < data.length; ) {
    if (y * size.width + x >= pause) {
      await setImmediate();
      pause = y * size.width + x + PIXELS_AT_ONCE;
    }
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

/**
 * Uncompressed TIFF around raw pixels: the way to hand libvips pixels together with the profile that they are in.
 */
import type { Size } from '../dataset/bucket.js';

export interface TiffPixels {
  /** (height, width, bands) uint8 */
  readonly data: Uint8Array;
  readonly size: Size;
  readonly bands: number;
}

/** What the first bands stand for; one more is alpha. */
export type TiffColours = 'grey' | 'rgb' | 'cmyk';

const PHOTOMETRIC: Readonly<Record<TiffColours, number>> = { grey: 1, rgb: 2, cmyk: 5 };
export const BANDS: Readonly<Record<TiffColours, number>> = { grey: 1, rgb: 3, cmyk: 4 };

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;
/** Strips of this size let libvips work on rows instead of on the whole image. */
const STRIP_BYTES = 1 << 20;

export function tiffOf({ data, size, bands }: TiffPixels, colours: TiffColours, profile: Uint8Array): Buffer {
  const { width, height } = size;
  const rowsEach = Math.min(height, Math.max(1, Math.floor(STRIP_BYTES / (width * bands))));
  const strips = Array.from({ length: Math.ceil(height / rowsEach) }, (_, strip) => ({
    at: HEADER_BYTES + strip * rowsEach * width * bands,
    bytes: Math.min(rowsEach, height - strip * rowsEach) * width * bands,
  }));
  const tags: [tag: number, type: number, values: ArrayLike<number>][] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, new Array(bands).fill(8)],
    [259, SHORT, [1]], // not compressed
    [262, SHORT, [PHOTOMETRIC[colours]]],
    [273, LONG, strips.map(({ at }) => at)],
    [277, SHORT, [bands]],
    [278, LONG, [rowsEach]],
    [279, LONG, strips.map(({ bytes }) => bytes)],
    ...(bands > BANDS[colours] ? [[338, SHORT, [2]] as [number, number, number[]]] : []), // plain alpha
    [34675, UNDEFINED, profile],
  ];
  const directory = HEADER_BYTES + data.length + (data.length % 2);
  const valuesAt = directory + 2 + tags.length * ENTRY_BYTES + 4;
  const bytesOf = ([, type, values]: (typeof tags)[number]) =>
    values.length * (type === SHORT ? 2 : type === LONG ? 4 : 1);
  const long = tags.map(bytesOf).filter((bytes) => bytes > 4);
  const file = Buffer.alloc(valuesAt + long.reduce((sum, bytes) => sum + bytes + (bytes % 2), 0));
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directory, 4);
  file.set(data, HEADER_BYTES);
  file.writeUInt16LE(tags.length, directory);
  let entry = directory + 2;
  let free = valuesAt;
  for (const item of tags) {
    const [tag, type, values] = item;
    const bytes = bytesOf(item);
    file.writeUInt16LE(tag, entry);
    file.writeUInt16LE(type, entry + 2);
    file.writeUInt32LE(values.length, entry + 4);
    let at = entry + 8;
    if (bytes > 4) {
      file.writeUInt32LE(free, at);
      at = free;
      free += bytes + (bytes % 2);
    }
    const each = bytes / values.length;
    for (let index = 0; index < values.length; index++) {
      file.writeUIntLE(values[index]!, at + index * each, each);
    }
    entry += ENTRY_BYTES;
  }
  return file;
}

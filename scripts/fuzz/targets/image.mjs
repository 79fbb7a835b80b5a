import { inspectImage } from '../../../dist/dataset/inspect-image.js';
import { boundary } from '../bytes.mjs';

export const words = [
  'BM',
  '\xff\xd8\xff',
  '\xff\xc0',
  '\xff\xe1',
  'Exif\0\0',
  'II*\0',
  'MM\0*',
  '\x89PNG\r\n\x1a\n',
  'IHDR',
  'iCCP',
  'tRNS',
  'eXIf',
  'IDAT',
  'RIFF',
  'WEBPVP8X',
  'VP8 ',
  'VP8L',
  'ALPH',
  'GIF89a',
  'ftypavif',
  'ftypheic',
  '<svg',
  '%PDF-',
];

/** PNG chunks with right sums, so that what they say is read; a length or tag of the other formats otherwise. */
export function structured(bytes, random) {
  const result = Buffer.from(bytes);
  const at = random.below(Math.min(result.length, 64) + 1);
  const width = random.pick([2, 4]);
  if (at + width <= result.length) {
    const value = Number(BigInt.asUintN(8 * width, boundary(random)));
    if (random.chance(0.5)) result.writeUIntBE(value, at, width);
    else result.writeUIntLE(value, at, width);
  }
  return result.toString('latin1', 1, 4) === 'PNG' ? withChunkSums(result) : result;
}

function withChunkSums(png) {
  for (let at = 8; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > png.length) break;
    let crc = 0xffffffff;
    for (let index = at + 4; index < end; index++) {
      crc ^= png[index];
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    png.writeUInt32BE((crc ^ 0xffffffff) >>> 0, end);
    at = end + 4;
  }
  return png;
}

export async function run(_bytes, file) {
  const { size } = await inspectImage(file, 178_956_970);
  if (!(size.width > 0 && size.height > 0 && Number.isSafeInteger(size.width * size.height))) {
    throw new Error(`a size of ${size.width}x${size.height}`);
  }
}

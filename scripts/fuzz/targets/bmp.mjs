import { readBmpHeader } from '../../../dist/dataset/bmp-header.js';
import { decodeBmp } from '../../../dist/pixels/bmp.js';
import { boundary } from '../bytes.mjs';

export const words = [
  'BM',
  '\x28\x00\x00\x00',
  '\x0c\x00\x00\x00',
  '\x7c\x00\x00\x00',
  '\x00\x00',
  '\x00\x01',
  '\x00\x02',
  '\x00\xf8\x00\x00',
];

/** Offset and bytes of each field of the two headers. */
const FIELDS = [
  [10, 4],
  [14, 4],
  [18, 4],
  [22, 4],
  [18, 2],
  [20, 2],
  [24, 2],
  [28, 2],
  [30, 4],
  [46, 4],
  [54, 4],
  [58, 4],
  [62, 4],
  [66, 4],
];
const USUAL = [
  0n,
  1n,
  2n,
  3n,
  4n,
  8n,
  12n,
  16n,
  24n,
  32n,
  40n,
  56n,
  108n,
  124n,
  0xf800n,
  0x7e0n,
  0x1fn,
  0xff0000n,
  0xff00n,
  0xffn,
  0xff000000n,
];
/** What the pipeline's survey refuses before anything is decoded, made small so that memory is not the subject. */
const MAX_PIXELS = 1 << 20;

export function structured(bytes, random) {
  const result = Buffer.from(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) {
    const [at, width] = random.pick(FIELDS);
    if (at + width > result.length) continue;
    const value = random.chance(0.5)
      ? random.pick(USUAL)
      : random.chance(0.5)
        ? boundary(random)
        : BigInt(random.below(300));
    result.writeUIntLE(Number(BigInt.asUintN(8 * width, value)), at, width);
  }
  return result;
}

export async function run(bytes, file) {
  const { size } = readBmpHeader(bytes, file);
  if (size.width * size.height > MAX_PIXELS) return;
  for (const channels of [3, 4]) {
    const { data } = await decodeBmp(bytes, file, channels);
    if (data.length !== size.width * size.height * channels)
      throw new Error(`${data.length} bytes of pixels`);
  }
}

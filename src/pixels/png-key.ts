/**
 * Colour keys of PNG files (tRNS without a palette) in the depths where Pillow's alpha is not what the PNG standard
 * means: it compares the key's low byte with eight-bit pixels, whatever the depth of file and key.
 */
import type { Colour } from './colour.js';

const GREY = 0;
const RGB = 2;

/**
 * The 8-bit colour that is transparent in Pillow's `convert("RGBA")`.
 *
 * @returns undefined where Pillow and the standard agree
 */
export function pillowColourKey(png: Buffer): Colour | undefined {
  if (png.toString('latin1', 1, 4) !== 'PNG' || png.length < 33) return undefined;
  const depth = png[24]!;
  const type = png[25]!;
  if (!(type === GREY && depth < 8) && !(type === RGB && depth === 16)) return undefined;
  for (let at = 33; at + 8 <= png.length; ) {
    const kind = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    if (kind === 'IDAT') return undefined;
    if (kind === 'tRNS' && type === GREY && data.length >= 2) return [data[1]!, data[1]!, data[1]!];
    if (kind === 'tRNS' && type === RGB && data.length >= 6) return [data[1]!, data[3]!, data[5]!];
    at += 12 + png.readUInt32BE(at);
  }
  return undefined;
}

/** Makes the pixels of one colour transparent and all others opaque. */
export function keyAlpha(rgba: Uint8Array, [red, green, blue]: Colour): void {
  for (let at = 0; at < rgba.length; at += 4) {
    const same = rgba[at] === red && rgba[at + 1] === green && rgba[at + 2] === blue;
    rgba[at + 3] = same ? 0 : 255;
  }
}

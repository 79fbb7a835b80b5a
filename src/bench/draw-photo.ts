/** Photo-like pixels in integer arithmetic alone, so that they are the same on every machine. */
import type { Size } from '../dataset/bucket.js';

/** Bits of a fraction. */
const BITS = 16;
const ONE = 1 << BITS;
/** Waves of light and shade that are added up. */
const WAVES = 4;
/** The grain's amplitude: the result takes about half a byte a pixel as a JPEG file, as photos do. */
const GRAIN = 18;

/**
 * Smooth light, a few shapes with edges, and film grain.
 *
 * @param number another one is another photo
 * @returns (height, width, 3) uint8
 */
export function drawPhoto({ width, height }: Size, number: number): Uint8Array {
  const random = generator(number);
  const waves = Array.from({ length: WAVES }, () => ({
    // periods a side, and where they begin
    across: Math.floor(((1 + (random() % 4)) * ONE) / width),
    down: Math.floor(((1 + (random() % 4)) * ONE) / height),
    start: random() % ONE,
    colours: [random() % 48, random() % 48, random() % 48],
  }));
  const discs = Array.from({ length: 6 }, () => ({
    x: random() % width,
    y: random() % height,
    squared: (1 + (random() % Math.max(1, Math.min(width, height) >> 2))) ** 2,
    colours: [(random() % 161) - 80, (random() % 161) - 80, (random() % 161) - 80],
  }));
  const pixels = new Uint8Array(width * height * 3);
  const light = [0, 0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      light.fill(64);
      for (const { across, down, start, colours } of waves) {
        const shade = triangle(x * across + y * down + start);
        for (let channel = 0; channel < 3; channel++) light[channel]! += (shade * colours[channel]!) >> 8;
      }
      for (const disc of discs) {
        if ((x - disc.x) ** 2 + (y - disc.y) ** 2 > disc.squared) continue;
        for (let channel = 0; channel < 3; channel++) light[channel]! += disc.colours[channel]!;
      }
      const grain = (random() % (2 * GRAIN + 1)) - GRAIN;
      for (let channel = 0; channel < 3; channel++) {
        pixels[at++] = Math.min(255, Math.max(0, light[channel]! + grain));
      }
    }
  }
  return pixels;
}

/** 0 to 255 and back, once in each `ONE`. */
function triangle(phase: number): number {
  const place = (phase & (ONE - 1)) >> (BITS - 9);
  return place < 256 ? place : 511 - place;
}

/** Numbers of 31 bits: splitmix32's steps. */
function generator(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b9);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 1;
  };
}

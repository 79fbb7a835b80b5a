/** Reproducible images, drawn as test/golden/seeded_images.py draws them: (height, width, 3) uint8. */
import { mix } from '../model/seeded-values.js';

const SHAPES = 12;

export type ImageKind = 'ramps' | 'smooth' | 'photo';
type Colour = (x: number, y: number, channel: number, at: number) => number;

export function seededImage(kind: ImageKind, seed: number, height: number, width: number): Uint8Array {
  const colour = { ramps, smooth, photo }[kind](seed, height, width);
  const pixels = new Uint8ClampedArray(height * width * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++, at++) pixels[at] = colour(x, y, channel, at);
  return new Uint8Array(pixels.buffer);
}

/** The number-th random number of an image. */
const drawn = (seed: number, number: number) => mix((number ^ mix(seed)) >>> 0);

function ramps(seed: number): Colour {
  const key = mix(seed);
  return (x, y, channel, at) => (3 * x + 5 * y + 67 * channel + (mix((at ^ key) >>> 0) & 63)) % 256;
}

/** Parabolas in place of a sine: of both signs in turn, the highest period². */
function arcs(t: number, period: number): number {
  const rest = t % period;
  return 4 * rest * (period - rest) * (1 - 2 * (Math.floor(t / period) % 2));
}

/** -64 to 64, slowly. */
function waves(seed: number) {
  const [left, top] = [drawn(seed, 1) % 128, drawn(seed, 2) % 128];
  return (x: number, y: number, channel: number) => {
    const product = arcs(x + 37 * channel + left, 103) * arcs(y + 51 * channel + top, 131);
    return Math.floor((product * 64) / (103 * 131) ** 2);
  };
}

function smooth(seed: number): Colour {
  const wave = waves(seed);
  return (x, y, channel) => 128 + Math.floor((3 * wave(x, y, channel)) / 2);
}

/** Overlapping shapes with sharp edges, lit unevenly, and the grain of a film. */
function photo(seed: number, height: number, width: number): Colour {
  const wave = waves(seed);
  const key = mix(seed);
  const shapes = Array.from({ length: SHAPES }, (_, index) => {
    const number = 16 * (index + 1);
    const [left, top] = [drawn(seed, number) % width, drawn(seed, number + 1) % height];
    const size = Math.floor(height / 16) + (drawn(seed, number + 2) % Math.floor(height / 5));
    const isInside = (x: number, y: number) => {
      const [dx, dy] = [Math.abs(x - left), Math.abs(y - top)];
      return index % 2 === 1 ? dx * dx + dy * dy < size * size : Math.max(dx, dy) < size;
    };
    return { isInside, colours: [3, 4, 5].map((next) => drawn(seed, number + next) & 127) };
  });
  return (x, y, channel, at) => {
    let shade = 120 + wave(x, y, channel);
    for (const { isInside, colours } of shapes)
      if (isInside(x, y)) shade = Math.floor((2 * shade) / 5) + colours[channel]!;
    return shade + (mix((at ^ key) >>> 0) >>> 28) - 8;
  };
}

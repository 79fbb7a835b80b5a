// Images of one size, (height, width, 3) uint8, the same on every machine.
import { mix } from '../../dist/model/seeded-values.js';

function draw(width, height, colour) {
  const pixels = new Uint8ClampedArray(width * height * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++, at++)
        pixels[at] = colour(x / width, y / height, channel, at);
  return new Uint8Array(pixels.buffer);
}

const wave = (x, y, channel) => Math.sin(5 * x + 3 * channel) * Math.cos(4 * y - channel);
const grain = (at) => (mix(at) >>> 28) - 7.5;

/** Overlapping shapes with sharp edges, lit unevenly, and the grain of a film. */
function photo(x, y, channel, at) {
  let shade = 120 + 50 * wave(x, y, channel);
  for (let shape = 1; shape <= 12; shape++) {
    const [left, top, size] = [1, 2, 3].map((n) => mix(16 * shape + n) / 2 ** 32);
    const isInside =
      shape % 2 === 0
        ? Math.hypot(x - left, y - top) < size / 4
        : Math.max(Math.abs(x - left), Math.abs(y - top)) < size / 6;
    if (isInside) shade = 0.4 * shade + (mix(64 * shape + channel) & 127);
  }
  return shade + grain(at);
}

export const IMAGES = {
  noise: (width, height) => draw(width, height, (_x, _y, _channel, at) => mix(at) & 255),
  smooth: (width, height) => draw(width, height, (x, y, channel) => 128 + 100 * wave(x, y, channel)),
  photo: (width, height) => draw(width, height, photo),
};

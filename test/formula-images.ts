/** The images of test/golden/make_resize.py, which golden files name by their formula. */
export interface ImageFormula {
  colors: 'noise' | 'gradient' | 'edges' | 'grain';
  alphas: 'opaque' | 'mask' | 'partial' | 'ramp' | null;
  seed: number;
  /** Width and height. */
  size: [number, number];
}

/** The mixer of make_resize.py: a byte for each index. */
function hashed(index: number, seed: number): number {
  let x = (index + Math.imul(seed, 0x9e3779b1)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
  return (x ^ (x >>> 16)) >>> 24;
}

/** HWC, uint8; four channels where it has alphas. */
export function makeImage({ size: [width, height], colors, alphas, seed }: ImageFormula): Uint8Array {
  const channels = alphas === null ? 3 : 4;
  const pixels = new Uint8Array(width * height * channels);
  for (let y = 0, index = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const gradient = [
        Math.floor((x * 255) / Math.max(width - 1, 1)),
        Math.floor((y * 255) / Math.max(height - 1, 1)),
        Math.floor(((x + y) * 255) / Math.max(width + height - 2, 1)),
      ];
      for (let c = 0; c < channels; c++, index++) {
        if (c < 3) {
          const edge = ((Math.floor(x / 5) + Math.floor(y / 3) + c) % 2) * 255;
          if (colors === 'noise') pixels[index] = hashed(index, seed);
          else if (colors === 'gradient') pixels[index] = gradient[c]!;
          else if (colors === 'edges') pixels[index] = edge;
          else pixels[index] = Math.floor((gradient[c]! * 3 + hashed(index, seed)) / 4);
        } else if (alphas === 'opaque') pixels[index] = 255;
        else if (alphas === 'mask') pixels[index] = ((Math.floor(x / 7) + Math.floor(y / 5)) % 2) * 255;
        else if (alphas === 'partial') pixels[index] = hashed(index, seed);
        else pixels[index] = (x * 37 + y * 11) % 256;
      }
    }
  }
  return pixels;
}

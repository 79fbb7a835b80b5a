/** (size, size, 3) uint8; torch_encoder.py draws the same. */
export function ramps(size) {
  const pixels = new Uint8Array(size * size * 3);
  for (let i = 0; i < pixels.length; i++) {
    const x = Math.floor(i / 3) % size;
    const y = Math.floor(i / 3 / size);
    pixels[i] = 3 * x + 5 * y + 67 * (i % 3) + ((x * y) % 61);
  }
  return pixels;
}

// What graphs are shown: images of any size, (height, width, 3) uint8.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IMAGES } from '../parity-images.mjs';

export const KINDS = [...Object.keys(IMAGES), 'harbour'];

/** @returns undefined for one of the demo's drawings where sharp is not installed */
export async function imageOf(kind, { width, height }) {
  if (kind !== 'harbour') return IMAGES[kind](width, height);
  const drawing = await demoImage().catch((error) => {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
  });
  return drawing && cover(drawing, width, height);
}

/** A compressed picture of the demo: flat areas, slopes and the noise of JPEG. */
async function demoImage() {
  const { drawSampleImages } = await import('../../../dist/demo/sample-images.js');
  const { sharp } = await import('../../../dist/sharp.js');
  const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-drawings-'));
  try {
    await drawSampleImages(folder);
    const file = path.join(folder, 'harbour.jpg');
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    return { pixels: data, width: info.width, height: info.height };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The nearest pixel for each: the drawing keeps its edges. */
function cover({ pixels, width, height }, columns, rows) {
  const image = new Uint8Array(columns * rows * 3);
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, at += 3) {
      const from = (Math.floor((y * height) / rows) * width + Math.floor((x * width) / columns)) * 3;
      image.set(pixels.subarray(from, from + 3), at);
    }
  return image;
}

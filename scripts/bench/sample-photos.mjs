// Photo-like JPEG files, the same bytes on every machine with the same sharp: smooth shapes and film grain.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

/** Common sizes of training photos: width, height. */
const SIZES = [
  [1536, 1024],
  [1024, 1536],
  [1200, 1200],
  [1920, 1080],
  [1024, 1024],
  [800, 1200],
];

function draw(width, height, seed) {
  const pixels = Buffer.alloc(width * height * 3);
  let state = seed * 2654435761 + 1;
  const fx = 2 + (seed % 5);
  const fy = 1 + (seed % 7);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const grain = (state >>> 27) - 16;
      const wave = Math.sin((x / width) * fx * 6.28) * Math.cos((y / height) * fy * 6.28);
      pixels[at++] = 128 + 90 * wave + grain;
      pixels[at++] = 110 + 70 * wave + (x / width) * 60 + grain;
      pixels[at++] = 90 + (y / height) * 120 - 40 * wave + grain;
    }
  }
  return pixels;
}

/** Writes `count` files and returns their paths. */
export async function makePhotos(folder, count) {
  await mkdir(folder, { recursive: true });
  const paths = [];
  const encoded = new Map();
  for (let index = 0; index < count; index++) {
    const kind = index % (SIZES.length * 2);
    const [width, height] = SIZES[index % SIZES.length];
    const file = path.join(folder, `photo${String(index).padStart(5, '0')}.jpg`);
    if (!encoded.has(kind)) {
      const raw = { width, height, channels: 3 };
      encoded.set(
        kind,
        await sharp(draw(width, height, kind), { raw })
          .jpeg({ quality: 92 })
          .toBuffer(),
      );
    }
    await writeFile(file, encoded.get(kind));
    paths.push(file);
  }
  return paths;
}

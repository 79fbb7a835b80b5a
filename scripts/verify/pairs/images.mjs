// Images that meet every rule: odd sizes, portraits, one of a bucket's exact size, tiny, rotated, transparent, hidden.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

/** Of the stored pixels; smooth, with an edge, no axis of symmetry, colours under what is transparent. */
function draw(width, height, seed) {
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      pixels[at] = 127 + 120 * Math.sin((x + seed * 7) / 17) * Math.cos(y / 29);
      pixels[at + 1] = (255 * x) / width;
      pixels[at + 2] = x > width / 3 ? (200 * y) / height : 240;
      pixels[at + 3] = 127 + 128 * Math.sin(x / 13 + y / 31);
    }
  }
  return pixels;
}

const IMAGES = [
  { path: 'exact.png', size: [128, 128] },
  { path: 'wide.png', size: [311, 177] },
  { path: 'tall ü.b.png', full: true, size: [151, 263] },
  { path: 'alpha.png', full: true, size: [169, 145], rgba: true },
  { path: 'small alpha.png', size: [73, 51], rgba: true },
  { path: 'tiny.PNG', size: [41, 38] },
  { path: 'turned.jpg', size: [200, 140], orientation: 6 },
  { path: 'Mixed.Png', full: true, size: [150, 150] },
  { path: 'picture.webp', full: true, size: [161, 120], lossless: true },
  { path: 'extended.webp', size: [160, 121], lossless: true, extendedWebp: true },
  { path: 'no caption.png', size: [100, 165], caption: false },
  { path: '.hidden.png', size: [128, 128] },
  { path: 'sub/deep.png', size: [128, 150] },
  { path: 'sub/_controls/deep.png', size: [128, 150] },
];

/**
 * @param lean leaves some out
 * @param seed another one draws other images of the same names and sizes
 * @returns the images as read_caches.py takes them, with their pixels as RGBA in `rawFolder`
 */
export async function drawImages(folder, rawFolder, lean = false, seed = 0) {
  await mkdir(rawFolder, { recursive: true });
  const list = [];
  for (const [index, image] of IMAGES.entries()) {
    if (lean && image.full) continue;
    const { size, orientation = 1, rgba = false, caption = true, lossless, extendedWebp = false } = image;
    const [width, height] = size;
    const file = path.join(folder, image.path);
    await mkdir(path.dirname(file), { recursive: true });
    let picture = sharp(draw(width, height, index + seed), { raw: { width, height, channels: 4 } });
    if (!rgba) picture = picture.removeAlpha();
    // A WebP has an extended header as soon as it has any metadata.
    if (orientation !== 1 || extendedWebp) picture = picture.withMetadata({ orientation });
    if (lossless) picture = picture.webp({ lossless: true, exact: true });
    else picture = file.endsWith('.jpg') ? picture.jpeg({ quality: 95 }) : picture.png();
    await writeFile(file, await picture.toBuffer());
    if (caption) await writeFile(file.replace(/\.\w+$/, '.txt'), 'a picture');
    const raw = path.join(rawFolder, `${index}.rgba`);
    await writeFile(raw, await sharp(file).ensureAlpha().raw().toBuffer());
    list.push({ path: image.path, size, orientation, rgba, caption, extendedWebp, raw });
  }
  return list;
}

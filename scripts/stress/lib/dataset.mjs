// A small data set with everything that a run does to files: caches of two shapes with masks and flipped latents, and
// files in the way, one of ours and one of another program.
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { writeSeededVae } from '../../../dist/model/seeded-vae.js';
import { cacheNames } from './check.mjs';
import { runBuild } from './run.mjs';

const FOREIGN = fileURLToPath(new URL('../../../test/golden/data/npz/everything.npz', import.meta.url));

export const BATCH = 2;
/** `latent-cache build FOLDER` with these. */
export const OPTIONS = [
  ...['--model', 'sdxl', '--resolution', '64', '--flip-aug', '--alpha-mask'],
  ...['--enable-bucket', '--min-bucket-reso', '32', '--bucket-reso-steps', '32'],
  ...['--threads', '1', '--vae-batch-size', String(BATCH), '--posterior', 'sample', '--log-format', 'json'],
];

export const nameOf = (index) => `image${String(index).padStart(3, '0')}`;

export async function drawImages(folder, count) {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const background = { r: (index * 5) % 256, g: (index * 11) % 256, b: (index * 17) % 256, alpha: 0.5 };
    const size = { width: 80 + (index % 2) * 90, height: 80 + (index % 3) };
    await sharp({ create: { ...size, channels: 4, background } })
      .png()
      .toFile(path.join(folder, `${nameOf(index)}.png`));
  }
}

export async function writeVae(file) {
  await writeSeededVae(file, { seed: 3, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
  return file;
}

/** Puts a cache of other sizes beside the first image, and one that shadows it beside the second. */
export async function putInTheWay(folder, vae) {
  const other = `${folder}-other`;
  await drawImages(other, 1);
  await runBuild(other, vae, { options: OPTIONS });
  for (const name of await cacheNames(other)) {
    await copyFile(path.join(other, name), path.join(folder, name.replace(/\d{4}x\d{4}/, '0999x0999')));
  }
  await copyFile(FOREIGN, path.join(folder, `${nameOf(1)}.npz`));
}

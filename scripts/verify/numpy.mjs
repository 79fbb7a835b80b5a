// numpy opens every file that a build writes, and finds what the reference table of the format note says: real image
// files of the table's sizes, with and without upscaling, encoder left out. Usage: npm run verify:numpy
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { buildCache } from '../../dist/index.js';
import { nullEncoder } from '../bench/null-encoder.mjs';

const python = process.env.PYTHON ?? '/usr/bin/python3';
const table = fileURLToPath(new URL('../../test/golden/data/geometry-table.json', import.meta.url));
const { rows } = JSON.parse(readFileSync(table, 'utf8'));

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-numpy-'));
try {
  for (const { upscale } of rows) {
    const [width, height] = upscale.size;
    const image = sharp({ create: { width, height, channels: 4, background: '#40a06080' } });
    await image.png().toFile(path.join(folder, `${width}by${height}.png`));
  }
  for (const kind of ['upscale', 'no_upscale']) {
    const options = {
      resolution: 1024,
      enableBucket: true,
      maxBucketReso: 2048,
      flipAug: true,
      alphaMask: true,
    };
    const outDir = path.join(folder, kind);
    const encoder = { encoder: nullEncoder(), fingerprint: 'null' };
    const build = {
      inputs: [folder],
      model: 'sdxl',
      encoder,
      outDir,
      bucketNoUpscale: kind === 'no_upscale',
      ...options,
    };
    for await (const event of buildCache(build)) if (event.type === 'failed') console.error(event.message);
  }
  const script = fileURLToPath(new URL('./numpy_check.py', import.meta.url));
  const { status } = spawnSync(python, [script, folder, table], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

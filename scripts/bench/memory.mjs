// Does memory grow with the number of images? Caches many small images in one run and compares the resident memory
// after a tenth and after all of them. Usage: npm run bench:memory [-- --images N]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { buildCache } from '../../dist/index.js';
import { nullEncoder } from './null-encoder.mjs';

const { values } = parseArgs({ options: { images: { type: 'string', default: '5000' } } });
const count = Number(values.images);
const early = Math.round(count / 10);
const LIMIT_PERCENT = 5;

async function drawImages(folder) {
  for (let index = 0; index < count; index++) {
    const width = 256 + 32 * (index % 5);
    const height = 256 + 32 * (index % 3);
    const background = { r: index % 256, g: (index * 7) % 256, b: (index * 13) % 256 };
    const file = path.join(folder, `image${String(index).padStart(6, '0')}.jpg`);
    await sharp({ create: { width, height, channels: 3, background } })
      .jpeg()
      .toFile(file);
  }
}

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-memory-'));
try {
  await drawImages(folder);
  const encoder = { encoder: nullEncoder(), fingerprint: 'null' };
  let done = 0;
  const samples = new Map();
  for await (const event of buildCache({ inputs: [folder], model: 'sdxl', resolution: 256, encoder })) {
    if (event.type !== 'encoded') continue;
    done++;
    // The highest of a hundred samples: single ones hang on when garbage was last collected.
    for (const mark of [early, count]) {
      if (done > mark - 100 && done <= mark)
        samples.set(mark, Math.max(samples.get(mark) ?? 0, process.memoryUsage.rss()));
    }
    if (done % 100 === 0) await sleep(0);
  }
  const [first, last] = [samples.get(early), samples.get(count)];
  const growth = (100 * (last - first)) / first;
  const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `resident memory after ${early} images: ${mebibytes(first)}, after ${count}: ${mebibytes(last)}`,
  );
  console.log(
    `difference ${growth.toFixed(1)} % (limit ${LIMIT_PERCENT} %): ${Math.abs(growth) < LIMIT_PERCENT ? 'flat' : 'NOT FLAT'}`,
  );
  process.exitCode = Math.abs(growth) < LIMIT_PERCENT ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

// How much of the encoder's own speed a whole build keeps while it decodes, resizes and writes on the same processors.
// Rounds of both take turns. Photos of one to two megapixels, one bucket.
// Usage: npm run bench:cpu-pipeline [-- --images N --size N --precision NAME --threads N --rounds N --json FILE]
import { rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

// as bin/latent-cache.cjs does, before anything uses the pool
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));
const { dist } = await import('./cpu/dist.mjs');
const { describeMachine, machine, processors } = await import('./cpu/machine.mjs');
const { ramps } = await import('./cpu/ramps.mjs');
const { withSeededVae } = await import('./cpu/seeded-vae.mjs');
const { percent, printTable } = await import('./cpu/table.mjs');
const { encodeImages, rateOf } = await import('./cpu/throughput.mjs');
const { makePhotos } = await import('./sample-photos.mjs');
const { buildCache, loadEncoder } = await dist('index.js');

const AIM = 0.92;

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '32' },
    size: { type: 'string', default: '512' },
    precision: { type: 'string', default: 'auto' },
    threads: { type: 'string', default: String(processors) },
    rounds: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const [images, size, threads, rounds] = ['images', 'size', 'threads', 'rounds'].map((name) =>
  Number(options[name]),
);

async function build(encoder, photos, outDir) {
  const settings = { model: 'sdxl', resolution: size, enableBucket: false, outDir };
  for await (const event of buildCache({
    ...settings,
    inputs: [photos],
    encoder: { encoder, fingerprint: 'seeded' },
  })) {
    if (event.type === 'summary' && event.encoded !== images)
      throw new Error(`${event.encoded} of ${images} images were encoded`);
  }
}

/** Rates of the rounds: `{ encoder, build }`. */
async function measureRounds(encoder, folder) {
  const photos = path.join(folder, 'photos');
  await makePhotos(photos, images);
  const pixels = ramps(size);
  await encodeImages(encoder, pixels, size, 1);
  const rates = { encoder: [], build: [] };
  for (let round = 0; round < rounds; round++) {
    rates.encoder.push(await rateOf(images, () => encodeImages(encoder, pixels, size, images)));
    const outDir = path.join(folder, 'out');
    rates.build.push(await rateOf(images, () => build(encoder, photos, outDir)));
    await rm(outDir, { recursive: true });
  }
  return rates;
}

const best = (rates) => ({
  imagesPerSecond: Math.max(...rates.map(({ imagesPerSecond }) => imagesPerSecond)),
  cpuSeconds: Math.min(...rates.map(({ cpuSeconds }) => cpuSeconds)),
});

await withSeededVae(async (vae, folder) => {
  const here = machine();
  const { precision } = options;
  const { encoder } = await loadEncoder({
    vae,
    model: 'sdxl',
    backend: 'onednn',
    precision,
    threads,
    consumeWeights: true,
  });
  const rates = await measureRounds(encoder, folder);
  await encoder.dispose();

  const [alone, whole] = [best(rates.encoder), best(rates.build)];
  const { info } = encoder;
  console.log(
    `${describeMachine(here)}; ${info.precision}, ${threads} threads; ${images} photos → ${size}×${size}, best of ${rounds} rounds\n`,
  );
  printTable(
    ['', 'images/s', 'CPU s/image'],
    Object.entries({ 'encoder only': alone, 'build: decode, resize, encode, write': whole }).map(
      ([name, rate]) => [name, rate.imagesPerSecond.toFixed(3), rate.cpuSeconds.toFixed(2)],
    ),
  );
  const share = whole.imagesPerSecond / alone.imagesPerSecond;
  console.log(
    `\nbuild / encoder only: ${percent(share)} (by CPU seconds ${percent(alone.cpuSeconds / whole.cpuSeconds)}); aim ${percent(AIM)}: ${share >= AIM ? 'met' : 'not met'}`,
  );
  if (options.json !== undefined)
    await writeFile(
      options.json,
      `${JSON.stringify({ machine: here, options, info, rates, share }, null, 1)}\n`,
    );
});

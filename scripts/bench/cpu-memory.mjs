// Does the memory of the oneDNN encoder grow with the number of images? Encodes images of 12 sizes, each of another size
// than the one before, and prints the resident memory on the way.
// Usage: npm run bench:cpu-memory [-- --images N --threads N --json FILE]
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { dist } from './cpu/dist.mjs';
import { describeMachine, machine, processors } from './cpu/machine.mjs';
import { residentBytes } from './cpu/process-memory.mjs';
import { withSeededVae } from './cpu/seeded-vae.mjs';
import { percent, printTable } from './cpu/table.mjs';

const LIMIT = 0.03;
const MARKS = 10;
/** Buckets of one area, small ones; each lying and standing. */
const BUCKETS = [
  [64, 256],
  [72, 224],
  [80, 200],
  [88, 184],
  [96, 168],
  [112, 144],
].flatMap(([short, long]) => [
  { width: short, height: long },
  { width: long, height: short },
]);

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '500' },
    threads: { type: 'string', default: String(processors) },
    json: { type: 'string' },
  },
});
const images = Number(options.images);
const { loadEncoder } = await dist('encoder/load-encoder.js');

/** `{ images, bytes }` after each tenth. */
async function encodeAll(encoder) {
  const batches = BUCKETS.map((size) => ({
    ...size,
    images: [new Uint8Array(size.width * size.height * 3).fill(100)],
  }));
  const samples = [];
  for (let done = 1; done <= images; done++) {
    await encoder.encodeBatch(batches[done % batches.length]);
    if (done % Math.ceil(images / MARKS) === 0) samples.push({ images: done, bytes: await residentBytes() });
  }
  return samples;
}

await withSeededVae(async (vae) => {
  const here = machine();
  const { encoder } = await loadEncoder({
    vae,
    model: 'sdxl',
    backend: 'onednn',
    threads: Number(options.threads),
    consumeWeights: true,
  });
  const samples = await encodeAll(encoder);
  await encoder.dispose();

  const { precision, runtime } = encoder.info;
  console.log(`${describeMachine(here)}; ${runtime}, ${precision}, ${options.threads} threads\n`);
  printTable(
    ['images', ...samples.map((sample) => String(sample.images))],
    [['resident MB', ...samples.map(({ bytes }) => (bytes / 1e6).toFixed(1))]],
  );
  const [first, last] = [samples[0].bytes, samples.at(-1).bytes];
  const growth = last / first - 1;
  const verdict = Math.abs(growth) <= LIMIT ? 'met' : 'not met';
  console.log(
    `\n${BUCKETS.length} sizes; growth from the first mark to the last: ${percent(growth)}; aim: flat (${percent(LIMIT)}): ${verdict}`,
  );
  if (options.json !== undefined)
    await writeFile(
      options.json,
      `${JSON.stringify({ machine: here, options, precision, samples, growth }, null, 1)}\n`,
    );
});

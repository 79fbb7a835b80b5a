// The process that is measured: from a VAE's file on the disk to the moments of one image, as a build does it.
// Prints one line of JSON.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { dist } from './dist.mjs';
import { peakBytes, resetPeak, residentBytes } from './process-memory.mjs';
import { ramps } from './ramps.mjs';

const { values } = parseArgs({
  options: {
    vae: { type: 'string' },
    backend: { type: 'string' },
    precision: { type: 'string' },
    size: { type: 'string' },
    threads: { type: 'string' },
    repeats: { type: 'string' },
    means: { type: 'string' },
  },
});
const size = Number(values.size);

const { loadEncoder } = await dist('encoder/load-encoder.js');

async function load() {
  const { vae, backend, precision } = values;
  const threads = Number(values.threads);
  const options = { vae, model: 'sdxl', backend, precision, threads, consumeWeights: true };
  return (await loadEncoder(options)).encoder;
}

/** The run's memory as the encoder counts it, and as the system sees it grow. */
async function runMemory(encoder, residentBefore) {
  if (residentBefore === undefined || encoder.memory === undefined) return undefined;
  const { arenaBytes, weightBytes } = await encoder.memory.needs({ width: size, height: size }, 1);
  return { arenaBytes, weightBytes, growthBytes: (await peakBytes()) - residentBefore };
}

const encoder = await load().catch((error) => {
  // the reason alone is what the table has room for
  console.error(error.message);
  process.exit(1);
});
const startUp = process.uptime();
const pixels = ramps(size);
globalThis.gc();
const loadingPeak = await peakBytes();
const residentBefore = (await resetPeak()) ? await residentBytes() : undefined;

const seconds = [];
const cpuSeconds = [];
let moments;
for (let i = 0; i <= Number(values.repeats); i++) {
  const before = performance.now();
  const cpuBefore = process.cpuUsage();
  moments = await encoder.encodeBatch({ images: [pixels], width: size, height: size });
  seconds.push((performance.now() - before) / 1000);
  const { user, system } = process.cpuUsage(cpuBefore);
  cpuSeconds.push((user + system) / 1e6);
}
const memory = await runMemory(encoder, residentBefore);
await writeFile(values.means, new Uint8Array(moments.mean.buffer));
await encoder.dispose();
const peak = Math.max(loadingPeak, await peakBytes());
const { runtime, precision } = encoder.info;
console.log(JSON.stringify({ runtime, precision, startUp, seconds, cpuSeconds, peakBytes: peak, memory }));

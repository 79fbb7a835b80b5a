// Every VAE at full size, in every layout, with seeded weights: the package's graph on onnxruntime (float32) against torch
// modules of its own that read the same file by the names in it (test/golden/vae_encoders.py). Wan 2.1's and Qwen-Image's
// run in three dimensions there. Prints the largest differences of mean and log variance; takes some minutes and a Python
// with torch. Exit code 1: a mean differs by more than 2e-4.
//
//   npm run verify:architectures -- [--sizes 256x256,192x320] [--only hunyuan-image,tiny]
//
// PYTHON names the Python; default: /usr/bin/python3.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createOnnxruntimeEncoder } from '../../dist/encoder/onnxruntime-encoder.js';
import { loadVae } from '../../dist/model/load-vae.js';
import { writeSeededVae } from '../../dist/model/seeded-vae.js';
import { IMAGES } from './parity-images.mjs';

const SEED = 17;
const LIMIT = 2e-4;
const VAES = [
  { vae: 'sd', model: 'sdxl', layouts: ['ldm', 'diffusers', 'diffusers-old'] },
  { vae: 'kl16', model: 'flux', layouts: ['ldm', 'diffusers'] },
  { vae: 'flux2', model: 'flux2', layouts: ['bfl', 'diffusers'] },
  { vae: 'hunyuan-image', model: 'hunyuan-image', layouts: ['ldm', 'diffusers'] },
  { vae: 'qwen-image', model: 'qwen-image', layouts: ['wan', 'diffusers'] },
  { vae: 'tiny', model: 'sd', layouts: ['taesd', 'diffusers'] },
  { vae: 'tiny', model: 'flux', latentChannels: 16, layouts: ['taesd', 'diffusers'] },
];
const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '256x256,192x320' },
    only: { type: 'string' },
  },
});
const only = options.only?.split(',');
const sizes = options.sizes.split(',').map((text) => {
  const [width, height] = text.split('x').map(Number);
  return { width, height };
});

/** One Python for all runs. */
function startReference() {
  const script = fileURLToPath(new URL('./architectures_reference.py', import.meta.url));
  const child = spawn(process.env.PYTHON ?? '/usr/bin/python3', [script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async moments(run) {
      child.stdin.write(`${JSON.stringify(run)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('the reference ended');
      const bytes = readFileSync(run.out);
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
      const half = values.length / 2;
      const { seconds } = JSON.parse(value);
      return { mean: values.subarray(0, half), logvar: values.subarray(half), seconds };
    },
    end: () => child.stdin.end(),
  };
}

/** Written so that NaN does not slip through. */
function largestDifference(values, right) {
  if (values.length !== right.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < right.length; i++) {
    const error = Math.abs(values[i] - right[i]);
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-architectures-'));
const reference = startReference();
let isRight = true;
try {
  console.log(
    '| VAE | layout | image | σ of mean | mean differs by | log variance | seconds ours, torch | |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const { layouts, model, ...seeded } of VAES.filter(({ vae }) => only?.includes(vae) ?? true)) {
    for (const layout of layouts) {
      const file = path.join(folder, 'vae.safetensors');
      await writeSeededVae(file, { seed: SEED, ...seeded, layout });
      const weights = await loadVae(file, { model });
      if (weights.sourceLayout !== layout) throw new Error(`${layout} was read as ${weights.sourceLayout}`);
      const encoder = await createOnnxruntimeEncoder(weights);
      for (const { width, height } of sizes) {
        const pixels = IMAGES.photo(width, height);
        const image = path.join(folder, 'image');
        writeFileSync(image, pixels);
        const started = performance.now();
        const ours = await encoder.encodeBatch({ images: [pixels], width, height });
        const seconds = (performance.now() - started) / 1000;
        const out = path.join(folder, 'moments');
        const right = await reference.moments({ ...seeded, layout, model, file, image, height, width, out });
        const mean = largestDifference(ours.mean, right.mean);
        const logvar = largestDifference(ours.logvar, right.logvar);
        const verdict = mean <= LIMIT ? 'ok' : 'BEYOND';
        isRight &&= mean <= LIMIT;
        const cells = [
          `${seeded.vae} (${model})`,
          layout,
          `${width}×${height}`,
          deviation(right.mean).toFixed(2),
          mean.toExponential(1),
          logvar.toExponential(1),
          `${seconds.toFixed(1)}, ${right.seconds.toFixed(1)}`,
          verdict,
        ];
        console.log(`| ${cells.join(' | ')} |`);
      }
      await encoder.dispose();
    }
  }
} finally {
  reference.end();
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = isRight ? 0 : 1;

// One run for rescan.mjs. Usage: node run-child.mjs FOLDER [--forget]   --forget removes the manifest first
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { buildCache } from '../../../dist/index.js';

const [folder, flag] = process.argv.slice(2);
if (flag === '--forget') rmSync(path.join(folder, '.latent-cache'), { recursive: true });

const encoder = {
  info: {
    backend: 'zeros',
    device: 'none',
    precision: 'fp32',
    latentChannels: 4,
    stride: 8,
    callsAtOnce: 1,
    preferredBatchSize: 64,
    runtime: 'none',
  },
  async encodeBatch({ images, width, height }) {
    const size = { channels: 4, width: width / 8, height: height / 8 };
    const zeros = () => new Float32Array(images.length * 4 * size.width * size.height);
    return { mean: zeros(), logvar: zeros(), count: images.length, ...size };
  },
  async dispose() {},
  async [Symbol.asyncDispose]() {},
};

/** Processor time of the main thread: other programs on the machine do not add to it, as they do to wall time. */
function mainThreadSeconds() {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e9;
}

const began = performance.now();
const before = mainThreadSeconds();
let survey;
let summary;
for await (const event of buildCache({
  inputs: [folder],
  recursive: true,
  model: 'sdxl',
  resolution: 64,
  encoder: { encoder, fingerprint: 'zeros' },
})) {
  if (event.type === 'plan') {
    survey = {
      surveySeconds: (performance.now() - began) / 1000,
      mainSeconds: mainThreadSeconds() - before,
    };
  }
  if (event.type === 'summary') summary = event;
}
const { encoded, skipped, failed } = summary;
const seconds = (performance.now() - began) / 1000;
const maxRssBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ encoded, skipped, failed, seconds, ...survey, maxRssBytes }));

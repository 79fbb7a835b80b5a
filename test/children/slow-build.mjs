// Encodes the folder of its argument, an image every few milliseconds, and says each.
import { setTimeout as sleep } from 'node:timers/promises';
import { buildCache } from '#dist/index.js';

const encoder = {
  info: {
    backend: 'slow',
    device: 'none',
    precision: 'fp32',
    latentChannels: 4,
    stride: 8,
    callsAtOnce: 1,
    preferredBatchSize: 1,
    runtime: 'none',
  },
  async encodeBatch({ images, width, height }) {
    await sleep(20);
    const length = (images.length * 4 * width * height) / 64;
    const size = { count: images.length, channels: 4, width: width / 8, height: height / 8 };
    return { mean: new Float32Array(length), logvar: new Float32Array(length), ...size };
  },
  async dispose() {},
  async [Symbol.asyncDispose]() {},
};
const options = { model: 'sdxl', resolution: 256, encoder: { encoder, fingerprint: 'fake' } };
for await (const { type } of buildCache({ inputs: [process.argv[2]], ...options })) {
  process.stdout.write(`${type}\n`);
}

// Caches a folder of images, shows how far it is, and names the images that failed. Ctrl-C ends it after the batch in flight.
// Usage: node build-cache.mjs FOLDER VAE.safetensors
import { buildCache } from 'latent-cache';

const [folder, vae] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

for await (const event of buildCache({
  inputs: [folder],
  vae,
  model: 'sdxl',
  resolution: 1024,
  enableBucket: true,
  maxBucketReso: 2048,
  signal: stop.signal,
})) {
  switch (event.type) {
    case 'encoder':
      console.log(`encoding with ${event.backend} on ${event.device}: ${event.reason}`);
      break;
    case 'progress':
      console.log(`${event.done} of ${event.total}`);
      break;
    case 'failed':
      console.error(`${event.path} [${event.code}] ${event.remedy ?? ''}`);
      break;
    case 'summary':
      console.log(`${event.encoded} encoded, ${event.skipped} skipped, ${event.failed} failed`);
      if (event.failed > 0 || event.remaining > 0) process.exitCode = 2;
      break;
  }
}

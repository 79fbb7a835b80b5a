// Caches a folder and counts what failed by its code. The types of events and codes come with the package.
// Usage: tsc failures-by-code.ts && node failures-by-code.js FOLDER VAE.safetensors
import { type BuildOptions, buildCache, type ErrorCode, LatentCacheError } from 'latent-cache';

const [folder = '', vae = ''] = process.argv.slice(2);
const options: BuildOptions = { inputs: [folder], vae, model: 'sdxl', resolution: 512, enableBucket: true };
const counts = new Map<ErrorCode, number>();

try {
  for await (const event of buildCache(options)) {
    if (event.type === 'failed') counts.set(event.code, (counts.get(event.code) ?? 0) + 1);
    if (event.type === 'summary') console.log(`${event.encoded} encoded`);
  }
  for (const [code, count] of counts) console.log(`${count} × ${code}`);
} catch (error) {
  // Nothing could run at all: a wrong option, no images, no usable VAE.
  if (!(error instanceof LatentCacheError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}

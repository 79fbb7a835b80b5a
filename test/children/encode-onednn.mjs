// Usage: VAE PIXELS WIDTH HEIGHT MEANS   encodes one image with oneDNN in fp32 and writes its means (float32) to a file.
import { readFileSync, writeFileSync } from 'node:fs';
import { createOnednnEncoder } from '#dist/encoder/onednn/create-encoder.js';
import { loadVae } from '#dist/model/load-vae.js';

const [vae, pixels, width, height, means] = process.argv.slice(2);
const weights = await loadVae(vae, { model: 'sdxl' });
const encoder = await createOnednnEncoder(weights, { precision: 'fp32', threads: 2 });
const { mean } = await encoder.encodeBatch({
  images: [new Uint8Array(readFileSync(pixels))],
  width: Number(width),
  height: Number(height),
});
writeFileSync(means, mean);
console.log(encoder.info.runtime);
await encoder.dispose();

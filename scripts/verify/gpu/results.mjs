// Results of runs that overlap: copies in, runs and copies out of several batches are on the device at once.
import assert from 'node:assert/strict';
import { evaluate } from './processes.mjs';

/** A thousand batches of mixed sizes, eight at once; each value is known (native/tests/doubles/fake_trt/run.h). */
export async function exactResults({ vae, folder }) {
  const result = await evaluate(
    `
    import { createTensorrtEncoder } from '#dist/encoder/tensorrt/create-encoder.js';
    import { loadVae } from '#dist/index.js';
    const weights = await loadVae(${JSON.stringify(vae)}, { model: 'sdxl' });
    const options = { precision: 'fp32', engineFolder: ${JSON.stringify(`${folder}/engines`)} };
    const encoder = await createTensorrtEncoder(weights, options);
    const SIZES = [[256, 256], [320, 192], [512, 512], [1024, 768]];
    let seed = 1;
    const random = (n) => ((seed = (seed * 1103515245 + 12345) % 2147483648) >>> 12) % n;
    let wrong = 0, images = 0, batches = 0;
    const check = (pixels, width, height, mean, logvar, row) => {
      const [w, h] = [width / 8, height / 8];
      for (let c = 0; c < 4; c++) for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
        const at = ((row * 4 + c) * h + y) * w + x;
        const pixel = (y * 8 * width + x * 8) * 3;
        if (mean[at] !== pixels[pixel + (c % 3)] + c) wrong++;
        if (logvar[at] !== Math.min(20, pixels[pixel + ((c + 4) % 3)] + c + 4)) wrong++;
      }
    };
    const one = async () => {
      const [width, height] = SIZES[random(SIZES.length)];
      const batch = Array.from({ length: 1 + random(8) }, () => {
        const pixels = new Uint8Array(width * height * 3);
        for (let i = 0; i < pixels.length; i += 1 + random(5)) pixels[i] = random(256);
        return pixels;
      });
      const { mean, logvar } = await encoder.encodeBatch({ images: batch, width, height });
      batch.forEach((pixels, row) => check(pixels, width, height, mean, logvar, row));
      images += batch.length;
      batches++;
    };
    const worker = async () => { while (batches < 1000) await one(); };
    await Promise.all(Array.from({ length: 8 }, worker));
    const { info } = encoder;
    await encoder.dispose();
    console.log(JSON.stringify({ wrong, images, batches, info }));`,
    { LC_FAKE_TRT: 'pixel_bytes=64,run_us=500' },
  );
  assert.equal(result.wrong, 0);
  return `${result.images} images in ${result.batches} batches, all values right; ${result.info.device}, ${result.info.runtime}`;
}

// One image as sd-scripts would train it, from its file to its latent, without any cache.
// Usage: node encode-one-image.mjs IMAGE VAE.safetensors
import { BUCKET_DEFAULTS, BucketSelector, loadBinding, loadEncoder, planGeometry } from 'latent-cache';
import sharp from 'sharp';

const [image, vae] = process.argv.slice(2);
const decoded = await sharp(image, { ignoreIcc: true })
  .removeAlpha()
  .toColourspace('srgb')
  .raw()
  .toBuffer({ resolveWithObject: true });
const { width, height } = decoded.info;

const selector = new BucketSelector({
  ...BUCKET_DEFAULTS,
  enableBucket: true,
  resolution: { width: 512, height: 512 },
});
const { bucket, resized, crop } = planGeometry(selector, { width, height });

// Only the window that is kept is computed.
const rgb = new Uint8Array(bucket.width * bucket.height * 3);
const shrinks = width >= resized.width && height >= resized.height;
await loadBinding().transform(
  decoded.data,
  {
    width,
    height,
    channels: 3,
    resizedWidth: resized.width,
    resizedHeight: resized.height,
    interpolation: shrinks ? 'area' : 'lanczos',
    cropLeft: crop.left,
    cropTop: crop.top,
    cropWidth: bucket.width,
    cropHeight: bucket.height,
  },
  { rgb, flipped: null, alpha: null },
);

const { encoder, reason } = await loadEncoder({ vae, model: 'sdxl' });
try {
  const { mean, channels, ...latent } = await encoder.encodeBatch({ images: [rgb], ...bucket });
  const largest = mean.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  console.log(`${width}x${height} → bucket ${bucket.width}x${bucket.height}`);
  console.log(`latent (${channels}, ${latent.height}, ${latent.width}), largest value ${largest.toFixed(3)}`);
  console.log(`${encoder.info.backend}, ${encoder.info.precision}: ${reason}`);
} finally {
  await encoder.dispose();
}

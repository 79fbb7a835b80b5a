// The trainers' own data set code opens files that are written here, and finds what was stored: musubi-tuner from a cache
// folder, ai-toolkit beside real images, with flips, rotated photographs and odd names.
// Usage: npm run verify:trainers -- MUSUBI_CHECKOUT AI_TOOLKIT_CHECKOUT
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { encodeTensorFile } from '../../dist/cache/tensor-file.js';
import { MODELS } from '../../dist/model/catalog.js';
import { AiToolkitBuckets } from '../../dist/trainers/ai-toolkit/buckets.js';
import * as aiToolkit from '../../dist/trainers/ai-toolkit/files.js';
import { flipsOf } from '../../dist/trainers/ai-toolkit/images.js';
import { AI_TOOLKIT_MODELS } from '../../dist/trainers/ai-toolkit/models.js';
import { storedShape } from '../../dist/trainers/latent-shape.js';
import { MusubiBuckets } from '../../dist/trainers/musubi/buckets.js';
import * as musubi from '../../dist/trainers/musubi/files.js';
import { MUSUBI_MODELS } from '../../dist/trainers/musubi/models.js';

const [musubiCheckout, aiToolkitCheckout] = process.argv.slice(2);
if (aiToolkitCheckout === undefined) {
  console.error('Usage: npm run verify:trainers -- MUSUBI_CHECKOUT AI_TOOLKIT_CHECKOUT');
  process.exit(2);
}
const python = process.env.PYTHON ?? '/usr/bin/python3';

const recipe = {
  vae: 'v',
  posterior: 'mean',
  seed: null,
  dtype: 'float32',
  interpolation: 'default',
  pixels: 'trainer',
};
const encoder = { backend: 'none', precision: 'fp32' };
const records = new Map([['', { model: null, recipe, encoder, source: { bytes: 1, sha256: '00' } }]]);

/** Small whole numbers, exact in every type; trainers_check.py knows the rule. */
function numbers(shape, seed) {
  const count = shape.reduce((product, side) => product * side);
  return Float32Array.from({ length: count }, (_, index) => ((index * 7 + seed * 13) % 101) - 50);
}

async function write(file, tensors, metadata) {
  await writeFile(file, Buffer.concat(encodeTensorFile(tensors, metadata, records)));
}

async function writeMusubi(folder) {
  const listed = [];
  const buckets = new MusubiBuckets({
    resolution: { width: 256, height: 256 },
    enableBucket: true,
    noUpscale: false,
  });
  for (const [id, model] of Object.entries(MUSUBI_MODELS)) {
    for (const dtype of ['float32', 'float16', 'bfloat16']) {
      const place = path.join(folder, `${id}-${dtype}`);
      await mkdir(place, { recursive: true });
      const caches = [];
      for (const [seed, stem] of ['a_b', 'ü 😀', 'c.d'].entries()) {
        const original = { width: 640 + seed, height: 480 };
        const shape = storedShape(MODELS[id], model.values, buckets.select(original).bucket);
        const controls = { none: 0, one: 1, numbered: 2 }[model.control];
        const tensors = [musubi.latentTensor(model, shape, numbers(shape, seed), dtype)];
        for (let index = 0; index < controls; index++) {
          tensors.push(musubi.controlTensor(model, index, shape, numbers(shape, seed + index + 1), dtype));
        }
        const name = musubi.cacheName(stem, original, model.architecture);
        await write(path.join(place, name), tensors, musubi.fileMetadata(model, original));
        caches.push({ name, text: musubi.textCacheName(stem, model.architecture), seed, controls });
      }
      const shapes = tensorShapes(model, MODELS[id], buckets.select({ width: 640, height: 480 }).bucket);
      listed.push({ place, architecture: model.architecture, dtype, caches, shape: shapes });
    }
  }
  return listed;
}

function tensorShapes(model, facts, bucket) {
  const [channels, height, width] = storedShape(facts, model.values, bucket);
  return model.axes === 'cfhw' ? [channels, 1, height, width] : [channels, height, width];
}

async function writeAiToolkit(folder) {
  const listed = [];
  for (const [id, model] of Object.entries(AI_TOOLKIT_MODELS)) {
    const place = path.join(folder, id);
    const buckets = new AiToolkitBuckets({
      resolution: 256,
      squareCrop: false,
      divisor: model.bucketDivisor,
    });
    const images = [
      { name: 'plain.png', stored: { width: 640, height: 480 }, orientation: 1 },
      { name: 'ü "😀"\n.jpg', stored: { width: 300, height: 200 }, orientation: 6 },
      { name: 'small.webp', stored: { width: 100, height: 70 }, orientation: 1 },
    ];
    const caches = [];
    for (const { name, stored, orientation } of images) {
      const inside = path.join(place, 'sub');
      await mkdir(path.join(inside, aiToolkit.CACHE_FOLDER), { recursive: true });
      const image = sharp({ create: { ...stored, channels: 3, background: '#40a060' } });
      await writeFile(
        path.join(inside, name),
        await image.toFormat(path.extname(name).slice(1)).withMetadata({ orientation }).toBuffer(),
      );
      const upright = orientation === 6 ? { width: stored.height, height: stored.width } : stored;
      const geometry = buckets.select(upright);
      const shape = storedShape(MODELS[id], 'normalised', geometry.bucket);
      for (const flip of flipsOf({ flipX: true, flipY: true })) {
        const item = { fileName: name, geometry, latentSpaceVersion: model.latentSpaceVersion, ...flip };
        const cache = aiToolkit.cacheName(item);
        const seed = caches.length;
        const software = { name: 'latent-cache', repo: '', version: '0' };
        await write(
          path.join(inside, aiToolkit.CACHE_FOLDER, cache),
          [aiToolkit.latentTensor(shape, numbers(shape, seed), 'bfloat16')],
          aiToolkit.fileMetadata(item, software),
        );
        caches.push({ image: name, ...flip, seed, shape });
      }
    }
    listed.push({ place, model: id, caches });
  }
  return listed;
}

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-trainers-'));
try {
  const list = {
    musubi: await writeMusubi(path.join(folder, 'musubi')),
    aiToolkit: await writeAiToolkit(path.join(folder, 'ai-toolkit')),
  };
  await writeFile(path.join(folder, 'list.json'), JSON.stringify(list));
  const script = fileURLToPath(new URL('./trainers_check.py', import.meta.url));
  const { status } = spawnSync(
    python,
    [script, path.join(folder, 'list.json'), musubiCheckout, aiToolkitCheckout],
    { stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

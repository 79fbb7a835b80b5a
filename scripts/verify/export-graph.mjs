// Writes the ONNX models that TensorRT is given, with their weights, for every precision and size; and the VAE files and
// images to compare them on. Needs no GPU and no TensorRT: see graph/tensorrt-stand-in.mjs. The exponents of fp16 come
// from sample images that run through the calibration network, as in a real run; here torch computes it, in Python.
//
//   node scripts/verify/export-graph.mjs --out DIR [--sizes 256x256,512x384,1024x1024,1536x1024]
//        [--precisions fp32,tf32,bf16,fp16] [--images noise,smooth,photo,harbour] [--overflow-sizes 512x384,1024x1024]
//        [--device cpu|cuda] [--widths 128,256,512,512]
//
// Sizes are width x height. The package must be built (dist/); of node_modules it takes node-gyp-build, and sharp for the
// image 'harbour'. PYTHON names a Python with numpy, onnx and torch, for fp16; default: /usr/bin/python3.
//
// DIR then holds index.json, *.safetensors, images/ and graphs/NAME/{SIZE.onnx,weights}.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createTensorrtEncoder } from '../../dist/encoder/tensorrt/create-encoder.js';
import { ScaleFile } from '../../dist/encoder/tensorrt/scale-file.js';
import { loadVae } from '../../dist/model/load-vae.js';
import { encoderOperations } from '../../dist/model/operations.js';
import { GraphRunner } from './graph/graph-runner.mjs';
import { imageOf, KINDS } from './graph/images.mjs';
import { catcher, standInBinding } from './graph/tensorrt-stand-in.mjs';
import { writeOverflowingVae, writeVae } from './graph/vaes.mjs';

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    sizes: { type: 'string', default: '256x256,512x384,1024x1024,1536x1024' },
    precisions: { type: 'string', default: 'fp32,tf32,bf16,fp16' },
    images: { type: 'string', default: KINDS.join() },
    'overflow-sizes': { type: 'string', default: '512x384,1024x1024' },
    device: { type: 'string', default: 'cpu' },
    widths: { type: 'string', default: '128,256,512,512' },
  },
});
if (options.out === undefined) throw new Error('--out: the folder to write');
const out = path.resolve(options.out);
/** Samples for the calibration: as large as what it looks at. */
const SAMPLE_SIZE = { width: 512, height: 512 };
/** A size with so many images gets an engine of its own. */
const MANY = 64;

const listOf = (text) => text.split(',').filter(Boolean);
const sizesOf = (text) =>
  listOf(text).map((name) => {
    const [width, height] = name.split('x').map(Number);
    if (!(width % 8 === 0 && height % 8 === 0)) throw new Error(`${name} is no size in multiples of 8`);
    return { width, height };
  });
const nameOf = ({ width, height }) => `${width}x${height}`;

const kinds = listOf(options.images);
const runner = new GraphRunner(process.env.PYTHON ?? '/usr/bin/python3', options.device);

/** Runs one image through the calibration network. */
async function largestValues(model, image, height, width) {
  const file = path.join(out, 'calibration-image');
  await writeFile(file, image);
  try {
    return await runner.run(model, file, height, width);
  } finally {
    await rm(file);
  }
}

/** As if every activation were small. */
const nothingLarge = async () => [];

async function samplesOf() {
  const images = await Promise.all(kinds.map((kind) => imageOf(kind, SAMPLE_SIZE)));
  return images.filter(Boolean).map((pixels) => ({ pixels, ...SAMPLE_SIZE }));
}

/** The networks of one VAE in one precision, for the index. */
async function exportNetworks({ vae, weights, precision, sizes, isScaled = true }) {
  const label = `${vae}-${precision}${isScaled ? '' : '-unscaled'}`;
  const folder = path.join(out, 'graphs', label);
  await rm(folder, { recursive: true, force: true });
  const { caught, compile } = catcher(folder);
  const engineFolder = path.join(out, 'engines');
  const binding = standInBinding(isScaled ? largestValues : nothingLarge);
  const seams = { compile, plugins: ['stand-in'] };
  const encoder = await createTensorrtEncoder(weights, { precision, engineFolder, binding }, seams);
  try {
    const planned = sizes.map((size) => ({ ...size, images: MANY }));
    await encoder.prepare(planned, { samples: samplesOf });
    const scales = await new ScaleFile(engineFolder, weights.fingerprint, binding).read();
    const exponents = scales?.exponents ?? null;
    console.log(`${label}: ${sizes.map(nameOf).join(', ')}${exponents ? `; exponents ${exponents}` : ''}`);
    return caught.map(({ model, ...network }) => ({
      vae,
      precision,
      isScaled,
      exponents,
      model: path.relative(out, model),
      ...network,
    }));
  } finally {
    await encoder.dispose();
    for (const leftover of [engineFolder, `${folder}-calibration`])
      await rm(leftover, { recursive: true, force: true });
  }
}

async function exportImages(sizes) {
  const images = [];
  await mkdir(path.join(out, 'images'), { recursive: true });
  for (const kind of kinds) {
    for (const size of sizes) {
      const pixels = await imageOf(kind, size);
      const file = path.join('images', `${kind}-${nameOf(size)}`);
      if (pixels === undefined) console.log(`${kind}: left out, sharp is not installed`);
      else {
        await writeFile(path.join(out, file), pixels);
        images.push({ kind, file, ...size });
      }
    }
  }
  return images;
}

try {
  await mkdir(out, { recursive: true });
  const sizes = sizesOf(options.sizes);
  const overflowSizes = sizesOf(options['overflow-sizes']);
  const all = [...new Map([...sizes, ...overflowSizes].map((size) => [nameOf(size), size])).values()];
  const images = await exportImages(all);
  const plain = path.join(out, 'seeded.safetensors');
  await writeVae(plain, { widths: listOf(options.widths).map(Number) });
  const weights = await loadVae(plain, { model: 'sdxl' });
  const graphs = [];
  for (const precision of sizes.length === 0 ? [] : listOf(options.precisions))
    graphs.push(...(await exportNetworks({ vae: 'seeded', weights, precision, sizes })));
  if (overflowSizes.length > 0) {
    const file = path.join(out, 'overflowing.safetensors');
    await writeOverflowingVae(file, weights);
    const overflowing = {
      vae: 'overflowing',
      weights: await loadVae(file, { model: 'sdxl' }),
      sizes: overflowSizes,
    };
    for (const one of [{ precision: 'bf16' }, { precision: 'fp16', isScaled: false }, { precision: 'fp16' }])
      graphs.push(...(await exportNetworks({ ...overflowing, ...one })));
  }
  const counted = [...all, ...sizesOf('512x512,1024x1024')];
  const operations = Object.fromEntries(
    counted.map((size) => [nameOf(size), encoderOperations(weights.layers, size)]),
  );
  await writeFile(path.join(out, 'index.json'), JSON.stringify({ graphs, images, operations }, null, 1));
} finally {
  runner.close();
}

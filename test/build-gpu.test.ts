/** A build with the GPU backend on a fake GPU. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PlannedSize, PrepareOptions, SampleImage } from '#dist/encoder/encoder.js';
import type { VaeEncoderWeights } from '#dist/model/load-vae.js';
import { readCache } from '#dist/trainers/sd-scripts/read-npz.js';
import { build, drawImage, fakeEncoder, useScratchFolder } from './build-helpers.js';
import { scratchFolder } from './encoder-helpers.js';
import { FakeGpu } from './fake-gpu.js';
import { errorOf, openFake, seededWeights } from './tensorrt-helpers.js';

const modelFolder = scratchFolder();
const folder = useScratchFolder();
let weights: VaeEncoderWeights;
beforeAll(async () => {
  weights = await seededWeights(modelFolder('.'));
});

const image = (name: string) => path.join(folder(), name);

function open(gpu: FakeGpu) {
  return openFake(gpu, weights, { engineFolder: image('engines') });
}

describe('before the first image', () => {
  it('the encoder is told all sizes, mirrored images counted, and can ask for samples', async () => {
    await drawImage(image('a.png'), 256, 256, 11);
    await drawImage(image('b.png'), 256, 256, 12);
    await drawImage(image('c.png'), 512, 256, 13);
    let told: readonly PlannedSize[] = [];
    let samples: readonly SampleImage[] = [];
    const encoder = {
      ...fakeEncoder(),
      async prepare(sizes: readonly PlannedSize[], options: PrepareOptions = {}) {
        told = sizes;
        samples = await options.samples!();
      },
    };
    await build(folder(), { enableBucket: true, flipAug: true, bucketNoUpscale: true }, encoder);
    const square = told.filter(({ width, height }) => width === height).map(({ images }) => images);
    const wide = told.filter(({ width, height }) => width > height).map(({ images }) => images);
    expect([square, wide]).toEqual([[4], [2]]);
    expect(samples.map(({ pixels }) => pixels[0]).sort()).toEqual([11, 12, 13]);
    expect(samples.map(({ pixels, width, height }) => pixels.length / width / height)).toEqual([3, 3, 3]);
  });

  it('engines are built, with an event for each step', async () => {
    await drawImage(image('a.png'), 256, 256);
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    const { events, summary } = await build(folder(), {}, encoder);
    expect(summary.encoded).toBe(1);
    const engines = events.filter((event) => event.type === 'engine');
    expect(engines[0]).toMatchObject({ purpose: 'calibration', bucket: null, index: 1, total: 1 });
    expect(engines.at(-1)).toEqual({
      type: 'engine',
      purpose: 'bucket',
      bucket: { width: 256, height: 256 },
      phase: 'Tactics',
      seconds: 0.5,
      index: 1,
      total: 1,
    });
    const types = events.map(({ type }) => type);
    expect(types.indexOf('engine')).toBeGreaterThan(types.indexOf('encoder'));
    expect(types.lastIndexOf('engine')).toBeLessThan(types.indexOf('encoded'));
  });

  it('a build that is aborted ends the run', async () => {
    await drawImage(image('a.png'), 256, 256);
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    const controller = new AbortController();
    const { prepare } = encoder;
    encoder.prepare = (sizes, options) => {
      controller.abort();
      return prepare.call(encoder, sizes, options);
    };
    const error = await errorOf(build(folder(), { signal: controller.signal }, encoder));
    expect(error.code).toBe('ERR_ABORTED');
    expect(gpu.builds).toEqual([]);
  });
});

describe('an image that overflows fp16', () => {
  it('is encoded in float32, named in a notice, and recorded so', async () => {
    await drawImage(image('white.png'), 256, 256, 255);
    await drawImage(image('grey.png'), 256, 256, 100);
    await using encoder = await open(new FakeGpu());
    const { events, summary } = await build(folder(), {}, encoder);
    expect(summary).toMatchObject({ encoded: 2, failed: 0 });
    const notice = events.find((event) => event.type === 'notice' && event.code === 'float32-retry');
    expect(notice).toMatchObject({ count: 1, paths: [image('white.png')] });
    const precisions = ['white', 'grey'].map(async (name) => {
      const cache = await readCache(image(`${name}_0256x0256_sdxl.npz`));
      return [...cache!.provenance.values()].map((record) => record.encoder.precision);
    });
    expect(await Promise.all(precisions)).toEqual([['fp32'], ['fp16']]);
  });
});

describe('a GPU that fails', () => {
  it('for good ends the run; what was done stays', async () => {
    for (const name of ['a', 'b', 'c']) await drawImage(image(`${name}.png`), 256, 256);
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.prepare([{ width: 256, height: 256, images: 3 }]);
    gpu.failNext('run', 'ERR_DEVICE_LOST');
    const { summary } = await build(folder(), { vaeBatchSize: 1 }, encoder);
    expect(summary.stoppedBy?.code).toBe('ERR_DEVICE_LOST');
    expect(summary.encoded).toBe(0);
    expect(summary.remaining + summary.failed).toBe(3);
  });
});

/** The oneDNN encoder through the real addon, on the toy back-end: weights, moments and memory cross the border. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createOnednnEncoder, type OnednnOptions } from '#dist/encoder/onednn/create-encoder.js';
import type { VaeEncoderWeights } from '#dist/model/load-vae.js';
import { largestDifference, scratchFolder } from './encoder-helpers.js';
import { errorOf, seededWeights } from './tensorrt-helpers.js';
import { NOTHING_LEFT, toyCounters, toyPlugin } from './toy-device.js';

const modelFolder = scratchFolder();
let weights: VaeEncoderWeights;
beforeAll(async () => {
  weights = await seededWeights(modelFolder('.'));
});
afterEach(() => expect(toyCounters()).toMatchObject(NOTHING_LEFT));

const WIDTH = 24;
const HEIGHT = 16;
const SIZE = { width: WIDTH, height: HEIGHT };
const STRIDE = 8;
const CHANNELS = 4;

function open(options: Partial<OnednnOptions> = {}, { toy = '', nodes = [] as number[][] } = {}) {
  process.env.LC_TOY = toy;
  return createOnednnEncoder(weights, { threads: 2, ...options }, { plugins: [toyPlugin], nodes });
}

function image(seed: number): Uint8Array {
  return Uint8Array.from({ length: HEIGHT * WIDTH * 3 }, (_, index) => (index * 7 + seed * 31) % 256);
}

/** What the toy's header promises: a pixel of each cell and the bias of the last convolution, here a folded one. */
function expectedMoments(pixels: Uint8Array): { mean: number[]; logvar: number[] } {
  const [mix, inner, outer] = ['quant_conv.weight', 'encoder.conv_out.bias', 'quant_conv.bias'].map(
    (name) => weights.tensors.get(name)!,
  ) as [Float32Array, Float32Array, Float32Array];
  const rows = Array.from({ length: 2 * CHANNELS }, (_, channel) => {
    const products = [...inner].map((value, k) => mix[channel * 2 * CHANNELS + k]! * value);
    const bias = Math.fround(products.reduce((sum, value) => sum + value, outer[channel]!));
    const cells: number[] = [];
    for (let y = 0; y < HEIGHT; y += STRIDE)
      for (let x = 0; x < WIDTH; x += STRIDE)
        cells.push(Math.fround(pixels[(y * WIDTH + x) * 3 + (channel % 3)]! + bias));
    return cells;
  });
  const clamp = (value: number) => Math.min(20, Math.max(-30, value));
  return { mean: rows.slice(0, CHANNELS).flat(), logvar: rows.slice(CHANNELS).flat().map(clamp) };
}

const images = [1, 2, 3, 4, 5].map(image);

/** Without any limit. */
async function ample() {
  await using encoder = await open();
  const { weightBytes, arenaBytes: one } = await encoder.memory.needs(SIZE, 1);
  const { arenaBytes: all } = await encoder.memory.needs(SIZE, images.length);
  return { weightBytes, one, all, expected: await encoder.encodeBatch({ images, ...SIZE }) };
}

describe('through the addon', () => {
  it('images become moments, each its own', async () => {
    await using encoder = await open();
    const { mean, logvar } = await encoder.encodeBatch({ images, ...SIZE });
    const expected = images.map(expectedMoments);
    expect(mean).toHaveLength(5 * CHANNELS * 6);
    expect(largestDifference(mean, Float32Array.from(expected.flatMap((one) => one.mean)))).toBeLessThan(
      1e-4,
    );
    expect(largestDifference(logvar, Float32Array.from(expected.flatMap((one) => one.logvar)))).toBeLessThan(
      1e-4,
    );
  });

  it('the precision is one that the back-end named', async () => {
    await using encoder = await open();
    expect(encoder.info.precision).toBe('fp32');
  });

  it('a plug-in that takes no networks is none', async () => {
    expect((await errorOf(open({}, { toy: 'no_networks=1' }))).code).toBe('ERR_BACKEND_MISSING');
  });

  it('threads and processors reach the back-end', async () => {
    await using _ = await open({}, { nodes: [[0], [1]] });
    expect(toyCounters()).toMatchObject({ liveDevices: 2, threads: 1 });
  });

  it('the automatic budget is 80 % of what the back-end says is free', async () => {
    const { weightBytes } = await ample();
    await (await open({}, { toy: `device_free=${Math.ceil(weightBytes / 0.8) + 1}` })).dispose();
    const tooLittle = open({}, { toy: `device_free=${Math.floor(weightBytes / 0.8) - 1}` });
    expect((await errorOf(tooLittle)).code).toBe('ERR_DEVICE_OUT_OF_MEMORY');
  });
});

describe('a sweep of budgets', () => {
  it('gives the same moments, or refuses before work', async () => {
    const { weightBytes, one, all, expected } = await ample();
    for (const budget of [weightBytes, weightBytes + one - 1]) {
      const before = toyCounters().runs;
      await using encoder = await open({ vramBudget: budget });
      const error = await errorOf(encoder.encodeBatch({ images, ...SIZE }));
      expect(error).toMatchObject({ code: 'ERR_DEVICE_OUT_OF_MEMORY', bytesFree: budget - weightBytes });
      expect(toyCounters().runs).toBe(before);
    }
    for (let budget = weightBytes + one; budget <= weightBytes + all; budget += 512) {
      await using encoder = await open({ vramBudget: budget });
      expect(await encoder.encodeBatch({ images, ...SIZE })).toEqual(expected);
    }
  });

  it('refuses to open below the weights', async () => {
    const { weightBytes } = await ample();
    const error = await errorOf(open({ vramBudget: weightBytes - 1 }));
    expect(error).toMatchObject({ code: 'ERR_DEVICE_OUT_OF_MEMORY', bytesAsked: expect.any(Number) });
  });
});

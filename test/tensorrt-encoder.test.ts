/** The encoder on a fake GPU: memory, calls in flight, half precision. Its engines: tensorrt-engines.test.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ScaleFile } from '#dist/encoder/tensorrt/scale-file.js';
import { mix } from '#dist/model/seeded-values.js';
import { FakeGpu, runMemory, WEIGHT_BYTES } from './fake-gpu.js';
import { batch, budgetFor, errorOf, flatImages, many, shades, useFakeEncoders } from './tensorrt-helpers.js';

const fakes = useFakeEncoders();
const { open } = fakes;

const FROM_TEN = (count: number) => Array.from({ length: count }, (_, index) => 10 + index);

describe('memory', () => {
  it('is known before anything is loaded', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.prepare(many(64));
    const needs = await encoder.memory.needs({ width: 64, height: 64 }, 3);
    expect(needs).toMatchObject({
      ...runMemory({ count: 3, width: 64, height: 64 }),
      weightBytes: WEIGHT_BYTES,
    });
    expect(gpu.log.filter((line) => line.startsWith('load'))).toEqual([]);
  });

  it('decides how many images run at once; results keep their order', async () => {
    const gpu = new FakeGpu();
    // built with room for 8
    await (await open(gpu)).prepare(many(512));
    await using encoder = await open(gpu, { vramBudget: budgetFor(1, 3, 512) });
    const moments = await encoder.encodeBatch(batch(512, FROM_TEN(7)));
    expect(shades(moments)).toEqual(FROM_TEN(7));
    expect(gpu.log.filter((line) => line.startsWith('run')).map((line) => line.split(' ')[2])).toEqual([
      '3x512x512',
      '3x512x512',
      '1x512x512',
    ]);
    expect(gpu.builds).toHaveLength(1);
  });

  it('makes the engine go that was not used for longest', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu, { vramBudget: budgetFor(2, 1, 128) });
    await encoder.prepare(many(64, 96, 128));
    for (const side of [64, 96, 64, 128, 64]) await encoder.encodeBatch(batch(side, [1]));
    const moves = gpu.log.filter((line) => /^(load|unload)/.test(line));
    expect(moves).toEqual(['load 1', 'load 2', 'unload 2', 'load 3']);
  });

  it('is freed by release, and the next call works', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.encodeBatch(batch(64, [1]));
    await encoder.memory.release(null);
    expect(gpu.held).toBe(0);
    expect(shades(await encoder.encodeBatch(batch(64, [3])))).toEqual([3]);
  });

  it('that one size does not need is freed by release, its engine stays', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.prepare(many(64, 128));
    for (const side of [64, 128]) await encoder.encodeBatch(batch(side, [1]));
    await encoder.memory.release({ width: 64, height: 64 });
    expect(gpu.held).toBe(WEIGHT_BYTES);
    await encoder.encodeBatch(batch(64, [1]));
    expect(gpu.log.filter((line) => line.startsWith('load'))).toHaveLength(2);
  });

  it('that is kept for a size which nobody prepared loads nothing', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.memory.release({ width: 64, height: 64 });
    expect(gpu.builds).toEqual([]);
  });

  it('is read from the device, and counted', async () => {
    const gpu = new FakeGpu({ freeBytes: 2 ** 30 });
    await using encoder = await open(gpu, { vramBudget: 2 ** 29 });
    await encoder.encodeBatch(batch(64, [1]));
    const held = WEIGHT_BYTES + runMemory({ count: 1, width: 64, height: 64 }).arenaBytes;
    expect(encoder.memory.held()).toEqual({ used: held, peak: held });
    expect(await encoder.memory.read()).toEqual({ free: 2 ** 30 - held, total: gpu.device.totalBytes });
    expect(encoder.memory.budget).toBe(2 ** 29);
  });

  it('is not told for more images than an engine takes at once', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    const size = { width: 64, height: 64 };
    const most = await encoder.memory.largestRun(size);
    expect(most).toBe(gpu.builds[0]!.maximum.count);
    for (const count of [0, most + 1]) {
      expect((await errorOf(encoder.memory.needs(size, count))).code).toBe('ERR_ARGUMENT');
    }
  });

  it('that runs out is an error with its numbers, and the encoder goes on', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    const details = { bytesAsked: 4096, bytesFree: 512, op: 'cudaMalloc' };
    gpu.failNext('run', 'ERR_DEVICE_OUT_OF_MEMORY', details);
    const error = await errorOf(encoder.encodeBatch(batch(64, [1])));
    expect(error).toMatchObject({ code: 'ERR_DEVICE_OUT_OF_MEMORY', ...details });
    expect(shades(await encoder.encodeBatch(batch(64, [2])))).toEqual([2]);
  });

  it('that never suffices is an error of the allocation that failed', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu, { vramBudget: budgetFor(1, 1, 64) - 1 });
    const error = await errorOf(encoder.encodeBatch(batch(64, [1])));
    const bytesAsked = runMemory({ count: 1, width: 64, height: 64 }).arenaBytes;
    expect(error).toMatchObject({ code: 'ERR_DEVICE_OUT_OF_MEMORY', bytesAsked, bytesFree: bytesAsked - 1 });
  });
});

describe('calls', () => {
  it('run concurrently and get their own results', async () => {
    const gpu = new FakeGpu({ runTime: 1 });
    await using encoder = await open(gpu);
    const sides = [64, 128, 64, 96, 128, 64];
    const results = await Promise.all(
      sides.map((side, index) => encoder.encodeBatch(batch(side, [index, 50]))),
    );
    expect(results.map(shades)).toEqual(sides.map((_, index) => [index, 50]));
    expect(results.map(({ width }) => width)).toEqual(sides.map((side) => side / 8));
  });

  it('that wait are dropped by their signal, others go on', async () => {
    const gpu = new FakeGpu({ runTime: 20 });
    await using encoder = await open(gpu);
    await encoder.prepare(many(64));
    const first = encoder.encodeBatch(batch(64, [1]));
    const controller = new AbortController();
    const second = encoder.encodeBatch(batch(64, [2]), { signal: controller.signal });
    const third = encoder.encodeBatch(batch(64, [3]));
    await sleep(5);
    controller.abort();
    expect((await errorOf(second)).code).toBe('ERR_ABORTED');
    expect(await Promise.all([first, third]).then((all) => all.map(shades))).toEqual([[1], [3]]);
    expect(gpu.log.filter((line) => line.startsWith('run'))).toHaveLength(2);
  });

  it('end a build by their signal; the next call builds', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    const controller = new AbortController();
    const preparing = encoder.prepare(many(64, 128), {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    expect((await errorOf(preparing)).code).toBe('ERR_ABORTED');
    expect(shades(await encoder.encodeBatch(batch(64, [9])))).toEqual([9]);
  });

  it('that wait behind a build are dropped at once', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    const controller = new AbortController();
    const events: string[] = [];
    const building = encoder.encodeBatch(batch(64, [1])).then(() => events.push('built'));
    const waiting = encoder.encodeBatch(batch(64, [2]), { signal: controller.signal }).catch((error) => {
      events.push(error.code);
    });
    while (gpu.builds.length === 0) await sleep(1);
    controller.abort();
    await Promise.all([building, waiting]);
    expect(events).toEqual(['ERR_ABORTED', 'built']);
  });

  it('fail for good when the device is lost', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    gpu.failNext('run', 'ERR_DEVICE_LOST', { op: 'cudaStreamSynchronize' });
    for (const _ of ['the call', 'every later call']) {
      const error = await errorOf(encoder.encodeBatch(batch(64, [1])));
      expect(error).toMatchObject({ code: 'ERR_DEVICE_LOST', op: 'cudaStreamSynchronize' });
    }
    await encoder.dispose();
  });

  it('in flight reject when the encoder is disposed, and everything is freed', async () => {
    const gpu = new FakeGpu({ runTime: 10 });
    const encoder = await open(gpu);
    await encoder.prepare(many(64));
    const calls = [1, 2, 3].map((shade) =>
      encoder.encodeBatch(batch(64, [shade])).catch((error) => error.code),
    );
    await sleep(5);
    await Promise.all([encoder.dispose(), encoder.dispose()]);
    expect((await Promise.all(calls)).slice(1)).toEqual(['ERR_ENCODER_DISPOSED', 'ERR_ENCODER_DISPOSED']);
    expect(gpu.held).toBe(0);
    expect((await errorOf(encoder.encodeBatch(batch(64, [1])))).code).toBe('ERR_ENCODER_DISPOSED');
    expect((await errorOf(encoder.memory.release(null))).code).toBe('ERR_ENCODER_DISPOSED');
  });

  it('are ended by disposal also while an engine is built', async () => {
    const gpu = new FakeGpu();
    const encoder = await open(gpu);
    const call = errorOf(encoder.encodeBatch(batch(64, [1])));
    while (gpu.builds.length === 0) await sleep(1);
    await encoder.dispose();
    expect((await call).code).toBe('ERR_ENCODER_DISPOSED');
  });

  it('at random, with faults, end with the right values or a code, and leave no memory in use', async () => {
    const gpu = new FakeGpu();
    const encoder = await open(gpu, { vramBudget: budgetFor(2, 5, 128) });
    const sides = [64, 96, 128];
    await encoder.prepare(many(...sides));
    let seed = 7;
    const random = (below: number) => mix(seed++) % below;
    const outcomes = new Map<string, number>();
    const calls: Promise<void>[] = [];
    for (let index = 0; index < 500; index++) {
      const kind = random(20);
      if (kind === 0) calls.push(encoder.memory.release(random(2) === 0 ? null : { width: 64, height: 64 }));
      if (kind === 1) gpu.failNext('run', 'ERR_DEVICE_OUT_OF_MEMORY');
      if (kind === 2) gpu.failNext('load', 'ERR_DEVICE_OUT_OF_MEMORY');
      if (kind === 3) gpu.failNext('run', 'ERR_ENCODER');
      const values = Array.from({ length: 1 + random(9) }, () => random(255));
      const controller = new AbortController();
      if (kind > 15) setTimeout(() => controller.abort(), random(20));
      const call = encoder.encodeBatch(batch(sides[random(3)]!, values), { signal: controller.signal });
      const outcome = call.then(
        (moments) => {
          expect(shades(moments)).toEqual(values);
          return 'done';
        },
        (error) => error.code as string,
      );
      calls.push(outcome.then((name) => void outcomes.set(name, (outcomes.get(name) ?? 0) + 1)));
      if (random(3) === 0) await sleep(1);
    }
    await Promise.all(calls);
    expect([...outcomes.keys()].sort()).toEqual(
      expect.arrayContaining(['ERR_ABORTED', 'ERR_ENCODER', 'done']),
    );
    expect([...outcomes.keys()]).not.toContain(undefined);
    expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(500);
    await encoder.dispose();
    expect(gpu.held).toBe(0);
  });

  it('of impossible batches are refused', async () => {
    await using encoder = await open(new FakeGpu());
    const error = await errorOf(encoder.encodeBatch({ images: [new Uint8Array(3)], width: 64, height: 64 }));
    expect(error.code).toBe('ERR_ARGUMENT');
  });
});

describe('fp16', () => {
  const sample = { pixels: flatImages(64, 96, [77])[0]!, width: 64, height: 96 };

  it('looks at samples once for each VAE', async () => {
    const gpu = new FakeGpu();
    let asked = 0;
    const samples = async () => {
      asked++;
      return [sample];
    };
    for (const _ of ['first', 'second']) {
      await using encoder = await open(gpu, { precision: 'fp16' });
      await encoder.prepare(many(64), { samples });
    }
    expect(asked).toBe(1);
    expect(gpu.builds.map(({ maximum }) => maximum.width)).toEqual([512, 64]);
    // the sample, noise, black, white
    expect(gpu.log.filter((line) => line === 'run 1 1x512x512')).toHaveLength(4);
  });

  it('looks again when the scales on disk are for another list of feature maps', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu, { precision: 'fp16' });
    const engines = fakes.engineFolder;
    await new ScaleFile(engines, (await fakes.weights()).fingerprint, gpu.binding()).write({
      exponents: [1, 2],
    });
    await encoder.prepare(many(64));
    expect(gpu.log).toContain('run 1 1x512x512');
  });

  it('takes the first batch as samples when nothing was prepared', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu, { precision: 'fp16' });
    expect(shades(await encoder.encodeBatch(batch(64, [1, 2])))).toEqual([1, 2]);
    expect(gpu.log.filter((line) => line === 'run 1 1x512x512')).toHaveLength(5);
  });

  it('encodes what is not finite again in float32', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu, { precision: 'fp16' });
    await encoder.prepare(many(64, 128));
    const moments = await encoder.encodeBatch(batch(64, [3, 255, 4, 255]));
    expect(shades(moments)).toEqual([3, 255, 4, 255]);
    expect(moments.repeatedInFloat32).toEqual([1, 3]);
    expect(gpu.builds.at(-1)).toMatchObject({
      minimum: { count: 1, height: 64, width: 64 },
      maximum: { count: 1, height: 256, width: 256 },
    });
    const built = gpu.builds.length;
    await encoder.encodeBatch(batch(128, [255]));
    expect(gpu.builds).toHaveLength(built);
  });

  it('says nothing of float32 when all was finite', async () => {
    await using encoder = await open(new FakeGpu(), { precision: 'fp16' });
    expect((await encoder.encodeBatch(batch(64, [3]))).repeatedInFloat32).toBeUndefined();
  });
});

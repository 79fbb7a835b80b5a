/** Which engines an encoder builds, finds again, shares and drops. */
import { readdir, truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PreparationProgress } from '#dist/encoder/encoder.js';
import { FakeGpu } from './fake-gpu.js';
import { batch, errorOf, flatImages, many, openFake, shades, useFakeEncoders } from './tensorrt-helpers.js';

const fakes = useFakeEncoders();
const { open } = fakes;

describe('engines', () => {
  it('are built once and found by the next encoder', async () => {
    const gpu = new FakeGpu();
    for (const _ of ['first', 'second']) {
      await using encoder = await open(gpu);
      await encoder.prepare(many(64, 128));
    }
    expect(gpu.builds.map(({ maximum }) => maximum.width)).toEqual([64, 128]);
  });

  it.each([
    ['another precision', {}, { precision: 'tf32' }],
    ['other hardware', { attributes: 'cc=8.9 sm=76' }, {}],
    ['other attention chunks', {}, { queryChunks: 3 }],
  ] as const)('are built again for %s', async (_, changedGpu, changedOptions) => {
    const first = new FakeGpu();
    await (await open(first)).prepare(many(64));
    const second = new FakeGpu(changedGpu);
    await (await open(second, changedOptions)).prepare(many(64));
    expect(second.builds).toHaveLength(1);
  });

  it('of other weights are other engines', async () => {
    const gpu = new FakeGpu();
    await (await open(gpu)).prepare(many(64));
    const options = { precision: 'fp32', engineFolder: fakes.engineFolder } as const;
    await (await openFake(gpu, await fakes.weights(2), options)).prepare(many(64));
    expect(gpu.builds).toHaveLength(2);
  });

  it('that are damaged on disk are built again', async () => {
    const gpu = new FakeGpu();
    await (await open(gpu)).prepare(many(64));
    const engines = fakes.engineFolder;
    const [name] = (await readdir(engines)).filter((file) => file.endsWith('.engine'));
    await truncate(path.join(engines, name!), 5000);
    await (await open(gpu)).prepare(many(64));
    expect(gpu.builds).toHaveLength(2);
  });

  it('that the device refuses are built again, once', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.prepare(many(64));
    gpu.failNext('load', 'ERR_ENGINE_INVALID');
    expect(shades(await encoder.encodeBatch(batch(64, [7])))).toEqual([7]);
    expect(gpu.builds).toHaveLength(2);
    gpu.failNext('load', 'ERR_ENGINE_INVALID');
    gpu.failNext('load', 'ERR_ENGINE_INVALID');
    await encoder.memory.release(null);
    expect((await errorOf(encoder.encodeBatch(batch(64, [7])))).code).toBe('ERR_ENGINE_INVALID');
  });

  it('for sizes with few images are one with free sides', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    const few = [
      { width: 320, height: 832, images: 5 },
      { width: 640, height: 448, images: 63 },
    ];
    await encoder.prepare([...many(512), ...few]);
    expect(gpu.builds.map(({ minimum, maximum }) => [minimum, maximum])).toEqual([
      [
        { count: 1, height: 512, width: 512 },
        { count: 8, height: 512, width: 512 },
      ],
      [
        { count: 1, height: 256, width: 256 },
        { count: 8, height: 1024, width: 768 },
      ],
    ]);
    expect(gpu.builds[1]!.optimum).toMatchObject({ height: 448, width: 640 });
    const images = flatImages(320, 832, [4, 5]);
    expect(shades(await encoder.encodeBatch({ images, width: 320, height: 832 }))).toEqual([4, 5]);
    // a size in the range that nobody announced
    expect(shades(await encoder.encodeBatch(batch(704, [6])))).toEqual([6]);
    expect(gpu.builds).toHaveLength(2);
  });

  it('is one of its own for the only size that has few images', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.prepare([...many(64), { width: 128, height: 64, images: 1 }]);
    expect(gpu.builds.map(({ minimum }) => minimum.width)).toEqual([64, 128]);
  });

  it('are left out for sizes that the network cannot address, and encoding says why', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.prepare([...many(64), { width: 65536, height: 512, images: 1 }]);
    expect(gpu.builds).toHaveLength(1);
    const images = [new Uint8Array(65536 * 512 * 3)];
    const error = await errorOf(encoder.encodeBatch({ images, width: 65536, height: 512 }));
    expect(error.code).toBe('ERR_GRAPH_LIMIT');
  });

  it('are built while nothing is on the device', async () => {
    // the fake's compile throws when something is held
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    await encoder.encodeBatch(batch(64, [1]));
    expect(gpu.held).toBeGreaterThan(0);
    await encoder.prepare(many(64, 128));
    await encoder.encodeBatch(batch(256, [1]));
    expect(gpu.builds).toHaveLength(3);
  });

  it('are built once by two encoders that want the same', async () => {
    const gpu = new FakeGpu();
    const encoders = await Promise.all([open(gpu), open(gpu)]);
    await Promise.all(encoders.map((encoder) => encoder.prepare(many(64))));
    expect(gpu.builds).toHaveLength(1);
  });

  it('are reported while they are built', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    const seen: PreparationProgress[] = [];
    await encoder.prepare(many(64, 128), { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([
      {
        purpose: 'bucket',
        size: { width: 64, height: 64 },
        phase: 'Tactics',
        seconds: 0.5,
        index: 1,
        total: 2,
      },
      {
        purpose: 'bucket',
        size: { width: 128, height: 128 },
        phase: 'Tactics',
        seconds: 0.5,
        index: 2,
        total: 2,
      },
    ]);
  });

  it('that cannot be built are not tried again for the next image', async () => {
    const gpu = new FakeGpu();
    await using encoder = await open(gpu);
    gpu.failNext('build', 'ERR_ENGINE_BUILD');
    for (const _ of ['first', 'second']) {
      expect((await errorOf(encoder.encodeBatch(batch(64, [1])))).code).toBe('ERR_ENGINE_BUILD');
    }
    expect(gpu.builds).toHaveLength(1);
  });
});

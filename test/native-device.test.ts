import { afterEach, describe, expect, it, vi } from 'vitest';
import { LatentCacheError } from '#dist/errors.js';
import type { EngineHandle, NativeDevice } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { useScratchFolder } from './build-helpers.js';
import {
  HEIGHT,
  NOTHING_LEFT,
  openToy,
  ROW,
  toyCounters,
  toyImage,
  toyPlugin,
  toyRow,
  WIDTH,
  writePlan,
} from './toy-device.js';

const folder = useScratchFolder();
const binding = loadBinding();
let opened: NativeDevice[] = [];

/** A toy device with one engine; closed after the test. */
async function withEngine(toy = '', options = {}): Promise<{ device: NativeDevice; engine: EngineHandle }> {
  const device = await openToy(toy, options);
  opened.push(device);
  return { device, engine: await device.loadEngine(writePlan(folder())) };
}

function encode(device: NativeDevice, ticket: number, images = [toyImage(ticket)], engine = 0) {
  const output = new Float32Array(images.length * ROW);
  return { done: device.encode(ticket, engine, images, HEIGHT, WIDTH, output), output };
}

/** The code that each promise rejects with; 'ok' for the others. */
async function outcomes(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((each) => (each.status === 'fulfilled' ? 'ok' : (each.reason as LatentCacheError).code));
}

afterEach(async () => {
  await Promise.all(opened.map((device) => device.close()));
  opened = [];
  expect(toyCounters()).toMatchObject(NOTHING_LEFT);
});

describe('encode', () => {
  it('gives each image its row', async () => {
    const { device, engine } = await withEngine();
    const images = [toyImage(1), toyImage(2), toyImage(3)];
    const { done, output } = encode(device, 1, images, engine.id);
    await done;
    expect(images.map((_, index) => output.slice(index * ROW, (index + 1) * ROW))).toEqual(
      images.map(toyRow),
    );
  });

  it('answers many calls in flight, each with its own images', async () => {
    const { device, engine } = await withEngine('run_ms=1');
    const calls = Array.from({ length: 20 }, (_, ticket) => encode(device, ticket, undefined, engine.id));
    // settled on this thread alone, which has not come to it yet
    expect(binding.counters().queued).toBe(20);
    await Promise.all(calls.map(({ done }) => done));
    expect(calls.map(({ output }) => output)).toEqual(calls.map((_, ticket) => toyRow(toyImage(ticket))));
    expect(device.counters()).toMatchObject({ waiting: 0, running: 0 });
  });

  it('counts the calls that wait and that run', { timeout: 30_000 }, async () => {
    const { device, engine } = await withEngine('run_ms=1000');
    const calls = Array.from({ length: 4 }, (_, ticket) => encode(device, ticket, undefined, engine.id));
    const settled = outcomes(calls.map(({ done }) => done));
    await vi.waitFor(() => expect(device.counters().running).toBeGreaterThan(0));
    expect(device.counters().waiting + device.counters().running).toBe(4);
    await device.close();
    await settled;
    expect(device.counters()).toMatchObject({ waiting: 0, running: 0 });
  });

  it('keeps images and output alive when JS drops them', async () => {
    const { device, engine } = await withEngine('run_ms=20');
    const images = [toyImage(5)];
    const { done } = encode(device, 1, images, engine.id);
    images.length = 0;
    await expect(done).resolves.toBeUndefined();
  });

  it('rejects a shape that the engine does not take, and an engine that is not loaded', async () => {
    const { device, engine } = await withEngine();
    const five = Array.from({ length: 5 }, (_, seed) => toyImage(seed));
    expect(await outcomes([encode(device, 1, five, engine.id).done])).toEqual(['ERR_ARGUMENT']);
    await device.unloadEngine(engine.id);
    expect(await outcomes([encode(device, 2, undefined, engine.id).done])).toEqual(['ERR_ARGUMENT']);
  });

  it.each<[string, Partial<Record<'ticket' | 'engine' | 'images' | 'height' | 'width' | 'output', unknown>>]>(
    [
      ['ticket', { ticket: -1 }],
      ['ticket', { ticket: 2 ** 53 }],
      ['engine', { engine: 'a' }],
      ['images', { images: [] }],
      ['images', { images: toyImage(1) }],
      ['images', { images: [toyImage(1).subarray(1)] }],
      ['images', { images: [new Float32Array(HEIGHT * WIDTH * 3)] }],
      ['height', { height: 0 }],
      ['width', { width: 1.5 }],
      ['output', { output: new Float32Array(0) }],
      ['output', { output: new Float32Array(ROW * 2 + 1), images: [toyImage(1), toyImage(2)] }],
      ['output', { output: new Uint8Array(ROW) }],
    ],
  )('refuses a wrong %s (case %#)', async (name, change) => {
    const { device, engine } = await withEngine();
    const good = { ticket: 1, engine: engine.id, images: [toyImage(1)], height: HEIGHT, width: WIDTH };
    const {
      ticket,
      engine: id,
      images,
      height,
      width,
      output,
    } = {
      ...good,
      output: new Float32Array(ROW),
      ...change,
    } as typeof good & { output: Float32Array };
    expect(() => device.encode(ticket, id, images, height, width, output)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining(name) }),
    );
  });
});

describe('cancel', () => {
  it('rejects a waiting call, and one on the device when it ends; the others go on', async () => {
    const { device, engine } = await withEngine('run_ms=200');
    const calls = Array.from({ length: 4 }, (_, ticket) => encode(device, ticket, undefined, engine.id));
    while (device.counters().running === 0) await new Promise(setImmediate);
    expect([device.cancel(0), device.cancel(3), device.cancel(99)]).toEqual([true, true, false]);
    expect(await outcomes(calls.map(({ done }) => done))).toEqual(['ERR_ABORTED', 'ok', 'ok', 'ERR_ABORTED']);
    expect(device.cancel(0)).toBe(false);
  });
});

describe('memory', () => {
  it('says what a run needs, and needs that', async () => {
    const { device, engine } = await withEngine();
    const memory = await device.memoryFor(engine.id, { count: 2, height: HEIGHT, width: WIDTH });
    const pixels = 2 * HEIGHT * WIDTH;
    expect(memory).toMatchObject({
      activationBytes: pixels * 4,
      inputBytes: pixels * 3,
      outputBytes: 2 * ROW * 4,
    });
    expect(device.counters()).toMatchObject({ arenaBytes: 0, memoryUsed: engine.weightBytes });
    await encode(device, 1, [toyImage(1), toyImage(2)], engine.id).done;
    expect(device.counters().arenaBytes).toBe(memory.arenaBytes);
  });

  it('of the whole device is read while a run is on it', { timeout: 30_000 }, async () => {
    const { device, engine } = await withEngine('run_ms=1000,capacity=100000,device_free=90000');
    const run = outcomes([encode(device, 1, undefined, engine.id).done]);
    await vi.waitFor(() => expect(device.counters().running).toBe(1));
    expect(await device.memory()).toEqual({ free: 90000, total: 100000 });
    expect(device.counters().running).toBe(1);
    await run;
  });

  it('of a closed device is not read', async () => {
    const device = await openToy();
    await device.close();
    expect(await outcomes([device.memory()])).toEqual(['ERR_ENCODER_DISPOSED']);
  });

  it('is an error with byte counts when it does not suffice, and the device stays usable', async () => {
    const { device, engine } = await withEngine('capacity=8000');
    const big = Array.from({ length: 4 }, (_, seed) => toyImage(seed));
    const error = await encode(device, 1, big, engine.id).done.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LatentCacheError);
    expect(error).toMatchObject({ code: 'ERR_DEVICE_OUT_OF_MEMORY', bytesFree: 7000, op: 'toyAlloc' });
    const needed = await device.memoryFor(engine.id, { count: 4, height: HEIGHT, width: WIDTH });
    expect((error as LatentCacheError).bytesAsked).toBe(needed.arenaBytes);
    expect((error as LatentCacheError).remedy).toMatch(/\.$/);
    await expect(encode(device, 2, undefined, engine.id).done).resolves.toBeUndefined();
  });

  it('is given back by trim; the next call takes it again', async () => {
    const { device, engine } = await withEngine();
    await encode(device, 1, undefined, engine.id).done;
    await device.trim();
    expect(device.counters()).toMatchObject({ arenaBytes: 0, memoryUsed: engine.weightBytes });
    const { done, output } = encode(device, 2, undefined, engine.id);
    await done;
    expect(output).toEqual(toyRow(toyImage(2)));
  });
});

describe('a lost device', () => {
  it('fails what was in flight and all later calls, and closes', async () => {
    const { device, engine } = await withEngine('lose_at=2,run_ms=5');
    const calls = [1, 2, 3, 4].map((ticket) => encode(device, ticket, undefined, engine.id).done);
    expect(await outcomes(calls)).toEqual(['ok', 'ERR_DEVICE_LOST', 'ERR_DEVICE_LOST', 'ERR_DEVICE_LOST']);
    expect(await outcomes([encode(device, 5, undefined, engine.id).done, device.trim()])).toEqual([
      'ERR_DEVICE_LOST',
      'ERR_DEVICE_LOST',
    ]);
  });
});

describe('close', () => {
  it('frees everything, twice at once and again', async () => {
    const { device, engine } = await withEngine();
    await encode(device, 1, undefined, engine.id).done;
    await Promise.all([device.close(), device.close()]);
    await device.close();
    expect(device.counters()).toMatchObject({ memoryUsed: 0, arenaBytes: 0, enginesLoaded: 0 });
    expect(toyCounters()).toMatchObject(NOTHING_LEFT);
  });

  it('drops what waits, finishes what is on the device', async () => {
    const { device, engine } = await withEngine('run_ms=100');
    const calls = Array.from({ length: 6 }, (_, ticket) => encode(device, ticket, undefined, engine.id).done);
    while (device.counters().running === 0) await new Promise(setImmediate);
    const closed = device.close();
    const [first, ...others] = await outcomes(calls);
    expect([first, others.at(-1)]).toEqual(['ok', 'ERR_ENCODER_DISPOSED']);
    await closed;
    expect(await outcomes([encode(device, 9, undefined, engine.id).done, device.trim()])).toEqual([
      'ERR_ENCODER_DISPOSED',
      'ERR_ENCODER_DISPOSED',
    ]);
    expect(device.cancel(0)).toBe(false);
  });
});

describe('opening', () => {
  it('probes a back-end', async () => {
    expect(await binding.probeBackend({ plugin: toyPlugin, libraryFolders: [] })).toEqual({
      name: 'toy',
      path: toyPlugin,
      priority: 1,
      runtime: 'Toy 1.0',
      precisions: ['fp32'],
    });
  });

  it('probes one that takes no networks', async () => {
    process.env.LC_TOY = 'no_networks=1';
    const { precisions } = await binding.probeBackend({ plugin: toyPlugin, libraryFolders: [] });
    expect(precisions).toEqual([]);
  });

  it('hands over threads and processors', async () => {
    opened.push(await openToy('', { threads: 1024, processors: [0, 65535] }));
    expect(toyCounters()).toMatchObject({ threads: 1024, lastProcessor: 65535 });
  });

  it('takes one thread unless told otherwise', async () => {
    opened.push(await openToy());
    expect(toyCounters()).toMatchObject({ threads: 1, lastProcessor: 0 });
  });

  it.for([
    5, 6, 7,
  ])('names a library that is missing, too old or of another major (lc_code %i)', async (code) => {
    process.env.LC_TOY = `fail_context=${code}`;
    const search = { plugin: toyPlugin, libraryFolders: ['/nowhere'] };
    // TensorRT's codes are for TensorRT
    await expect(binding.probeBackend(search)).rejects.toMatchObject({
      code: 'ERR_BACKEND_MISSING',
      message: 'the toy library does not load',
      remedy: expect.not.stringContaining('TensorRT'),
    });
  });

  it('names a plug-in that is not there', async () => {
    const missing = `${folder()}/none.so`;
    const error = await openToy('', { plugin: missing }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_BACKEND_MISSING', path: missing });
  });

  it('fails as the device fails', async () => {
    await expect(openToy('', { device: 1 })).rejects.toMatchObject({
      code: 'ERR_NO_DEVICE',
      op: 'toySetDevice',
    });
  });

  it.each([
    'device',
    'memoryBudget',
    'slots',
    'threads',
    'processors',
    'plugin',
    'libraryFolders',
  ])('refuses a wrong %s', async (name) => {
    await expect(openToy('', { [name]: -1 })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(name),
    });
  });

  it.each([
    { threads: 0 },
    { threads: 1025 },
    { processors: [65536] },
    { processors: 0 as never },
  ])('refuses $threads threads and $processors processors', async (options) => {
    await expect(openToy('', options)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  it('refuses a file that is no plan, and one that is too short', async () => {
    const { device } = await withEngine();
    const plan = writePlan(folder(), 'not a plan');
    await expect(device.loadEngine(plan)).rejects.toMatchObject({ code: 'ERR_ENGINE_INVALID' });
    await expect(device.loadEngine({ ...plan, bytes: 1000 })).rejects.toMatchObject({
      code: 'ERR_ENGINE_INVALID',
      path: plan.path,
    });
  });

  it('is not for `new`', async () => {
    const { device } = await withEngine();
    const NativeClass = device.constructor as new () => NativeDevice;
    expect(() => new NativeClass()).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });
});

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Encoder, MemoryEvent, Size } from '#dist/index.js';
import { EncoderSet, type StandInKind } from '#dist/memory/encoder-set.js';
import { Governor, type GovernorOptions } from '#dist/memory/governor.js';
import {
  FakeDevice,
  FakeDeviceEncoder,
  type FakeDeviceOptions,
  WEIGHT_BYTES,
} from './fake-device-encoder.js';

const GIB = 2 ** 30;
const SIZE = { width: 64, height: 64 };
const LARGER = { width: 128, height: 64 };
const SMALLER = { width: 64, height: 32 };
/** One image of SIZE takes 1 GiB of arena. */
const BYTES_PER_PIXEL = GIB / (64 * 64);

let device: FakeDevice;
let events: MemoryEvent[];
let mains: FakeDeviceEncoder[];
/** What each of them was told about its budget. */
let budgets: (number | undefined)[];

beforeEach(() => {
  device = new FakeDevice(12 * GIB);
  events = [];
  mains = [];
  budgets = [];
});

async function govern(
  options: Partial<FakeDeviceOptions> = {},
  governing: Partial<GovernorOptions> = {},
  standIns: Partial<Record<StandInKind, () => Encoder>> = {},
): Promise<Governor> {
  const encoders = await EncoderSet.start({
    start: async (budget) => {
      budgets.push(budget);
      const encoder = new FakeDeviceEncoder(device, {
        capacity: device.capacity,
        bytesPerPixel: BYTES_PER_PIXEL,
        ...options,
      });
      mains.push(encoder);
      return encoder;
    },
    startStandIn: (kind) => {
      const make = standIns[kind];
      return make === undefined ? null : Promise.resolve(make());
    },
  });
  return new Governor(encoders, {
    batch: 'auto',
    residency: 'default',
    oomFallback: 'cpu',
    onEvent: (event) => events.push(event),
    ...governing,
  });
}

function images(count: number, { width, height } = SIZE) {
  const pixels = (value: number) => new Uint8Array(width * height * 3).fill(value);
  return { images: Array.from({ length: count }, (_, index) => pixels(index + 1)), width, height };
}

const actions = () => events.map(({ action }) => action);
const firsts = (mean: Float32Array, count: number) =>
  Array.from({ length: count }, (_, index) => mean[(index * mean.length) / count]);

describe('the plan', () => {
  it('takes the largest power of two that fits the budget', async () => {
    await using governor = await govern({ budget: 6 * GIB });
    const plan = await governor.prepare([{ ...SIZE, images: 100 }]);
    expect(plan?.planned).toMatchObject([{ batch: 4, bytes: 4 * GIB + WEIGHT_BYTES }]);
  });

  it('never plans more than was asked for', async () => {
    await using governor = await govern({}, { batch: 3 });
    expect((await governor.prepare([{ ...SIZE, images: 9 }]))?.planned[0]?.batch).toBe(3);
  });

  it('plans one image a run with lowvram', async () => {
    await using governor = await govern({}, { residency: 'lowvram' });
    expect((await governor.prepare([{ ...SIZE, images: 9 }]))?.planned[0]?.batch).toBe(1);
  });

  it('says before encoding that one image does not fit, with the numbers and a resolution that would', async () => {
    await using governor = await govern({ budget: 3 * GIB });
    const plan = await governor.prepare([{ width: 128, height: 128, images: 7 }]);
    expect(plan?.planned[0]?.batch).toBe(0);
    expect(events).toMatchObject([{ action: 'does-not-fit', bucket: { width: 128, height: 128 }, batch: 0 }]);
    expect(events[0]?.message).toMatch(/4097 MiB.*3072 MiB.*7 images.*--resolution of 64/);
  });

  it('says that highvram does not fit, with the numbers: engines and whole batches of all buckets', async () => {
    const sizes = [
      { ...SIZE, images: 1 },
      { ...LARGER, images: 1 },
    ];
    // two engines of 3 GiB, and 2 images of LARGER with 2 GiB each: 10 GiB
    const engines = { weightBytes: 3 * GIB };
    await using roomy = await govern({ ...engines, budget: 10 * GIB }, { residency: 'highvram', batch: 2 });
    await roomy.prepare(sizes);
    expect(actions()).toEqual([]);
    await using tight = await govern({ ...engines, budget: 9 * GIB }, { residency: 'highvram', batch: 2 });
    await tight.prepare(sizes);
    expect(actions()).toEqual(['not-resident']);
    expect(events[0]?.message).toMatch(/10240 MiB.*9216 MiB/);
  });
});

describe('between buckets', () => {
  async function runOneOf(governor: Governor, first: Size, next: Size) {
    await governor.prepare([
      { ...first, images: 1 },
      { ...next, images: 1 },
    ]);
    await governor.enter(first);
    await governor.encode(images(1, first));
  }

  it('gives back what the next one does not need', async () => {
    await using governor = await govern();
    await runOneOf(governor, LARGER, SMALLER);
    await governor.enter(SMALLER);
    expect(device.log).toEqual(['run 1x128x64', 'release 64x32']);
  });

  it('keeps everything with highvram where it fits', async () => {
    await using governor = await govern({}, { residency: 'highvram', batch: 2 });
    await runOneOf(governor, LARGER, SMALLER);
    await governor.enter(SMALLER);
    expect(device.log).toEqual(['run 1x128x64']);
  });

  it('starts an encoder anew whose memory does not come back', async () => {
    await using governor = await govern();
    await runOneOf(governor, LARGER, SMALLER);
    device.leakOnRelease = GIB;
    await governor.enter(SMALLER);
    expect(actions()).toEqual(['leak']);
    expect(events[0]?.message).toContain('1024 MiB');
    expect(mains).toHaveLength(2);
    expect(device.live).toBe(1);
    expect((await governor.encode(images(1))).by[0]?.backend).toBe('fake');
  });

  it('gives an encoder that is started anew the budget of the one before it', async () => {
    await using governor = await govern({ budget: 11 * GIB });
    await runOneOf(governor, LARGER, SMALLER);
    device.leakOnRelease = GIB;
    await governor.enter(SMALLER);
    expect(budgets).toEqual([undefined, 11 * GIB]);
  });

  it('calls nothing a leak on main memory, which others change as well', async () => {
    await using governor = await govern({ kind: 'host' });
    await runOneOf(governor, LARGER, SMALLER);
    device.leakOnRelease = GIB;
    await governor.enter(SMALLER);
    expect(device.log).toContain('release 64x32');
    expect(actions()).toEqual([]);
  });

  it('frees nothing for a bucket that needs nearly as much', async () => {
    await using governor = await govern();
    const near = { width: 64, height: 120 };
    await runOneOf(governor, LARGER, near);
    await governor.enter(near);
    expect(device.log).toEqual(['run 1x128x64']);
  });
});

describe('when memory runs out', () => {
  it('frees scratch and tries again', async () => {
    await using governor = await govern();
    await governor.prepare([{ ...SIZE, images: 8 }]);
    device.failing.add(2); // the arena
    const { moments } = await governor.encode(images(8));
    expect(firsts(moments.mean, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(actions()).toEqual(['retry']);
    expect(await governor.batchFor(SIZE)).toBe(8);
  });

  it('halves the batch, of every larger size too, and keeps the order of the images', async () => {
    await using governor = await govern();
    await governor.prepare([
      { ...SIZE, images: 8 },
      { ...LARGER, images: 8 },
      { width: 64, height: 32, images: 8 },
    ]);
    device.others = 7 * GIB;
    const { moments } = await governor.encode(images(8));
    expect(firsts(moments.mean, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(mains[0]?.batches).toEqual([4, 4]);
    expect(actions()).toEqual(['retry', 'smaller']);
    device.others = 0;
    expect(await governor.batchFor(SIZE)).toBe(4);
    expect(await governor.batchFor(LARGER)).toBe(4);
    expect(await governor.batchFor({ width: 64, height: 32 })).toBe(8);
  });

  it('goes down to one image, then to attention in pieces, then to the CPU', async () => {
    const sliced = new FakeDeviceEncoder(device, {
      capacity: 1,
      bytesPerPixel: BYTES_PER_PIXEL,
      backend: 'sliced',
    });
    const cpu = new FakeDeviceEncoder(new FakeDevice(100 * GIB), { capacity: 100 * GIB, backend: 'cpu' });
    await using governor = await govern({}, {}, { sliced: () => sliced, cpu: () => cpu });
    await governor.prepare([{ ...SIZE, images: 2 }]);
    device.others = device.capacity;
    const { moments, by } = await governor.encode(images(2));
    expect(firsts(moments.mean, 2)).toEqual([1, 2]);
    expect(by.map(({ backend }) => backend)).toEqual(['cpu', 'cpu']);
    expect(actions()).toEqual(['retry', 'smaller', 'retry', 'sliced', 'cpu']);
  });

  it('returns from the CPU when there is room again', async () => {
    const cpu = new FakeDeviceEncoder(new FakeDevice(100 * GIB), { capacity: 100 * GIB, backend: 'cpu' });
    await using governor = await govern({}, {}, { cpu: () => cpu });
    await governor.prepare([{ ...SIZE, images: 2 }]);
    device.others = device.capacity;
    await governor.encode(images(1));
    device.others = 0;
    await new Promise((resolve) => setTimeout(resolve, 120)); // the device is asked ten times a second at most
    const { by } = await governor.encode(images(1));
    expect(by.map(({ backend }) => backend)).toEqual(['fake']);
  });

  it('gives one image up with the reason and a remedy when nothing is left', async () => {
    await using governor = await govern({}, { oomFallback: 'fail' });
    await governor.prepare([{ ...SIZE, images: 2 }]);
    device.others = device.capacity;
    await expect(governor.encode(images(1))).rejects.toMatchObject({
      code: 'ERR_DEVICE_OUT_OF_MEMORY',
      remedy: expect.stringContaining('--oom-fallback cpu'),
    });
    expect(actions().at(-1)).toBe('gave-up');
  });

  it('sends what the plan has no room for past the device at once', async () => {
    const cpu = new FakeDeviceEncoder(new FakeDevice(100 * GIB), { capacity: 100 * GIB, backend: 'cpu' });
    await using governor = await govern({ budget: GIB }, {}, { cpu: () => cpu });
    await governor.prepare([{ ...LARGER, images: 2 }]);
    await governor.encode(images(1, LARGER));
    expect(mains[0]?.batches).toEqual([]);
    expect(cpu.batches).toEqual([1]);
  });

  it('is in the report, with the batches that ran', async () => {
    await using governor = await govern();
    await governor.prepare([{ ...SIZE, images: 8 }]);
    device.others = 7 * GIB;
    await governor.encode(images(8));
    expect(governor.report()).toMatchObject({
      budget: 12 * GIB,
      peak: 4 * GIB + WEIGHT_BYTES,
      actions: { retry: 1, smaller: 1 },
      buckets: [{ ...SIZE, planned: 8, spans: [{ batch: 4, images: 8 }] }],
    });
  });
});

describe('another program', () => {
  it('that takes memory makes batches smaller before anything fails', async () => {
    await using governor = await govern();
    await governor.prepare([{ ...SIZE, images: 8 }]);
    device.others = 9 * GIB;
    const count = await governor.batchFor(SIZE);
    expect(count).toBe(2);
    await governor.encode(images(count));
    expect(actions()).toEqual(['squeezed']);
  });

  it('that gives it back lets them grow again', async () => {
    await using governor = await govern();
    await governor.prepare([{ ...SIZE, images: 8 }]);
    device.others = 9 * GIB;
    await governor.batchFor(SIZE);
    device.others = 0;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(await governor.batchFor(SIZE)).toBe(8);
    expect(actions()).toEqual(['squeezed', 'larger']);
  });

  it('gets memory back that is held and not needed for the smaller batch', async () => {
    await using governor = await govern();
    await governor.prepare([{ ...SIZE, images: 8 }]);
    await governor.encode(images(8));
    device.others = device.capacity - device.used; // nothing is free
    await new Promise((resolve) => setTimeout(resolve, 120));
    const count = await governor.batchFor(SIZE);
    expect(count).toBeLessThan(8);
    expect(device.free).toBeGreaterThan(0);
  });
});

describe('numbers that are none', () => {
  it('are encoded again in float32', async () => {
    const precise = new FakeDeviceEncoder(device, { capacity: device.capacity, backend: 'precise' });
    await using governor = await govern({}, {}, { precise: () => precise });
    const encoded = await governor.encodePrecisely(images(2));
    expect(encoded?.by.map(({ backend }) => backend)).toEqual(['precise', 'precise']);
    expect(precise.batches).toEqual([1, 1]);
  });

  it('stay as they are when the encoder computes in float32 already', async () => {
    await using governor = await govern();
    expect(await governor.encodePrecisely(images(1))).toBeNull();
  });
});

describe('whatever fails', () => {
  afterEach(() => expect(device.used).toBe(0));

  it('every image is encoded, in order, and nothing is left on the device', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
        async (failing, batches) => {
          device = new FakeDevice(12 * GIB);
          for (const index of failing) device.failing.add(index);
          const cpu = new FakeDeviceEncoder(new FakeDevice(100 * GIB), {
            capacity: 100 * GIB,
            backend: 'cpu',
          });
          await using governor = await govern({}, {}, { cpu: () => cpu });
          await governor.prepare([{ ...SIZE, images: 100 }]);
          for (const count of batches) {
            const { moments } = await governor.encode(images(count));
            expect(firsts(moments.mean, count)).toEqual(
              Array.from({ length: count }, (_, index) => index + 1),
            );
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

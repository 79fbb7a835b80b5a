import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { computeBound } from '#dist/bench/compute-bound.js';
import { drawPhoto } from '#dist/bench/draw-photo.js';
import { planBatches } from '#dist/bench/encode-passes.js';
import { gpuFacts } from '#dist/bench/gpu-facts.js';
import { GpuWatch, readNvml } from '#dist/bench/gpu-watch.js';
import { writeInputSet } from '#dist/bench/input-set.js';
import { checkKnownAnswers, checkParity, compareLatents } from '#dist/bench/parity.js';
import { presetNamed } from '#dist/bench/presets.js';
import { summarise } from '#dist/bench/statistics.js';
import { bestOf } from '#dist/bench/sweep.js';
import { warningsOf } from '#dist/bench/warnings.js';
import { createSimulatedEncoder } from '#dist/encoder/sim/create-encoder.js';
import { LatentCacheError } from '#dist/errors.js';
import { NeedsTable } from '#dist/memory/needs-table.js';
import { FULL_SIZE, SD_ENCODER, strideOf } from '#dist/model/architecture.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import type { NvmlDevice, NvmlStatus } from '#dist/native/binding.js';
import { exampleReport } from './bench-helpers.js';
import { useScratchFolder } from './build-helpers.js';

const scratch = useScratchFolder();

describe('the photos', () => {
  // of a second implementation, in Python integers of any size
  it.each([
    [96, 64, 0, '3ae250faaf1d30c48eb638d82a4966ebb59702c8ba7c23e7b18327fec36dacae'],
    [65, 130, 7, 'aee95e76977f6d584c045723a654c8db71390b3ff1e444529976b27d76a49e74'],
  ])('of %ix%i, number %i, are the same on every machine', (width, height, number, sha256) => {
    const pixels = drawPhoto({ width, height }, number);
    expect(createHash('sha256').update(pixels).digest('hex')).toBe(sha256);
  });

  it('give the same hashes every time, and others for another number of them', async () => {
    const preset = { ...presetNamed('sd-512'), sources: [{ width: 80, height: 64 }] };
    const write = (images: number, name: string) => writeInputSet(preset, images, path.join(scratch(), name));
    const [one, again, other] = [await write(3, 'a'), await write(3, 'b'), await write(4, 'c')];
    expect(again).toEqual(one);
    expect(other.pixels).not.toBe(one.pixels);
    expect(await readdir(path.join(scratch(), 'c'))).toHaveLength(4);
  });

  it('are no longer drawn when it is aborted', async () => {
    const folder = path.join(scratch(), 'aborted');
    const writing = writeInputSet(presetNamed('sd-512'), 3, folder, AbortSignal.abort());
    await expect(writing).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('statistics', () => {
  it('are the median, the 95th percentile by nearest rank, and deviation over mean', () => {
    expect(summarise([4, 1, 3, 2])).toEqual({
      median: 2.5,
      p95: 4,
      minimum: 1,
      maximum: 4,
      spread: Math.sqrt(5 / 3) / 2.5,
    });
    expect(summarise(Array.from({ length: 100 }, (_, index) => index + 1)).p95).toBe(95);
    expect(summarise([7])).toEqual({ median: 7, p95: 7, minimum: 7, maximum: 7, spread: 0 });
  });
});

describe('the sweep', () => {
  const step = (batch: number, seconds: number) => ({ batch, plan: [], samples: [seconds] });

  it('takes the fastest', () => {
    expect(bestOf([step(1, 1), step(2, 0.8), step(4, 0.6), step(8, 0.7)]).batch).toBe(4);
  });

  it('takes the smallest of those that are as fast', () => {
    expect(bestOf([step(1, 1), step(2, 0.605), step(4, 0.6)]).batch).toBe(2);
  });

  it('plans no batch that does not fit the budget', async () => {
    await using encoder = await createSimulatedEncoder(SD_ENCODER, {
      card: 'rtx-3060',
      vramBudget: 2 * 2 ** 30,
      settings: 'pace=0 world=bench-plan',
    });
    const size = { width: 1024, height: 1024, images: 16 };
    const [plan] = await planBatches(encoder, [size], 8, new NeedsTable());
    expect(plan?.batch).toBeLessThan(8);
    expect(plan?.bytes).toBeLessThanOrEqual(2 * 2 ** 30);
  });

  it('says in bytes that not even one image fits', async () => {
    await using encoder = await createSimulatedEncoder(SD_ENCODER, {
      card: 'rtx-3060',
      vramBudget: 300 * 2 ** 20,
      settings: 'pace=0 world=bench-misfit',
    });
    const size = { width: 1024, height: 1024, images: 16 };
    await expect(planBatches(encoder, [size], 8, new NeedsTable())).rejects.toMatchObject({
      code: 'ERR_DEVICE_OUT_OF_MEMORY',
      bytesFree: 300 * 2 ** 20,
    });
  });
});

const info = {
  backend: 'tensorrt',
  device: 'NVIDIA GeForce RTX 3060',
  precision: 'fp16',
  latentChannels: 4,
  stride: 8,
  callsAtOnce: 3,
  preferredBatchSize: 8,
  runtime: 'TensorRT',
};

describe('the compute bound', () => {
  const buckets = [{ width: 1024, height: 1024, images: 4 }];
  const encode = { value: 2.6, unit: 'images/s', evidence: 'measured' } as const;
  const bound = (changes: Partial<typeof info> = {}, peakTflops?: number) =>
    computeBound({ info: { ...info, ...changes }, architecture: SD_ENCODER, buckets, peakTflops, encode });

  // 4.879 TFLOP an image and 25.5 TFLOP/s: 5.2 images/s
  it('of a known card is its published rate over the arithmetic of an image', () => {
    expect(bound()?.imagesPerSecond).toMatchObject({
      value: expect.closeTo(25.5 / 4.879, 2),
      evidence: 'derived',
    });
    expect(bound()?.share.value).toBeCloseTo((2.6 * 4.879) / 25.5, 3);
  });

  it('is half of that in float32', () => {
    expect(bound({ precision: 'fp32' })?.imagesPerSecond.value).toBeCloseTo(25.5 / 4.879 / 2, 2);
  });

  it('is not guessed for a device that is not known', () => {
    expect(bound({ device: 'NVIDIA GeForce RTX 3060 Ti' })).toBeNull();
    expect(bound({ backend: 'cpu', device: '2 threads', precision: 'fp32' })).toBeNull();
  });

  it('takes what the user knows', () => {
    expect(bound({ device: 'another' }, 48.79)).toMatchObject({
      imagesPerSecond: { value: expect.closeTo(10, 2) },
      source: expect.stringContaining('--peak-tflops'),
    });
  });
});

describe('parity', () => {
  it.each([
    ['sdxl', SD_ENCODER],
    ['flux', FULL_SIZE.kl16],
    ['flux2', FULL_SIZE.flux2],
    ['hunyuan-image', FULL_SIZE['hunyuan-image']],
    ['qwen-image', FULL_SIZE['qwen-image']],
    ['sdxl', FULL_SIZE.tiny],
  ] as const)("of a lone float32 encoder of %s is taken from torch's answers", async (model, architecture) => {
    const { status, difference } = await checkKnownAnswers({
      info: {
        backend: 'cpu',
        device: '2 threads',
        precision: 'fp32',
        runtime: 'onnxruntime',
        latentChannels: architecture.latentChannels,
        stride: strideOf(architecture),
        callsAtOnce: 1,
        preferredBatchSize: 1,
      },
      model,
      architecture,
      threads: undefined,
      signal: undefined,
    });
    expect(status).toBe('passed');
    expect(difference).toMatchObject({ reference: expect.stringContaining('torch'), notFinite: 0 });
    expect(difference?.maximum).toBeLessThan(2e-4);
  });

  it('is the largest difference, rmse, and rmse over the deviation of the reference', () => {
    const expected = Float32Array.of(0, 2, 0, 2);
    const mean = Float32Array.of(0, 2, 0.5, 2);
    const result = compareLatents([{ mean, expected }]);
    expect(result).toEqual({
      maximum: 0.5,
      rmse: 0.25,
      relative: 0.25,
      psnr: 20 * Math.log10(8),
      notFinite: 0,
    });
  });

  it('counts what is not finite, and what is missing', () => {
    const expected = Float32Array.of(1, 2, 3, 4);
    expect(compareLatents([{ mean: Float32Array.of(1, Number.NaN, Infinity), expected }]).notFinite).toBe(3);
  });

  it('fails for latents that are wrong', async () => {
    const vae = path.join(scratch(), 'vae.safetensors');
    await writeSeededVae(vae, { seed: 1, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
    const batch = { images: [new Uint8Array(64 * 64 * 3).fill(90)], width: 64, height: 64 };
    const checked = [{ batch, mean: new Float32Array(4 * 8 * 8).fill(5) }];
    const parity = await checkParity({
      info,
      vae,
      model: 'sdxl',
      architecture: SD_ENCODER,
      checked,
      threads: undefined,
      signal: undefined,
    });
    expect(parity.status).toBe('failed');
    expect(parity.difference?.relative).toBeGreaterThan(parity.difference?.limit ?? Infinity);
  });
});

const CARD: NvmlDevice = {
  index: 0,
  name: 'NVIDIA GeForce RTX 3060',
  uuid: 'GPU-1',
  pciBusId: '00000000:0A:00.0',
  totalBytes: 12 * 2 ** 30,
  freeBytes: null,
  usedBytes: null,
  reservedBytes: null,
  pcieGeneration: 4,
  pcieGenerationMax: 4,
  pcieWidth: 16,
  pcieWidthMax: 16,
  smClockMhz: 1800,
  smClockMaxMhz: 2100,
  memoryClockMhz: 7500,
  memoryClockMaxMhz: 7501,
  powerMilliwatts: 160_000,
  powerLimitMilliwatts: 170_000,
  powerLimitDefaultMilliwatts: 170_000,
  powerLimitMaxMilliwatts: null,
  energyMillijoules: null,
  temperatureCelsius: 70,
  throttleReasons: [],
  utilizationPercent: 100,
  eccEnabled: null,
  migEnabled: null,
  persistenceEnabled: false,
  displayActive: true,
  processes: null,
};

describe('NVML', () => {
  const status: NvmlStatus = { libraryPath: '', driverVersion: '580', cudaVersion: 13000, devices: [CARD] };
  const read = (binding: Parameters<typeof readNvml>[0], id = '0000:0a:00.0') => readNvml(binding, [], id);

  it('finds the card that CUDA means by its address on the bus', async () => {
    expect((await read({ nvmlStatus: async () => status }))?.device).toBe(CARD);
    expect(await read({ nvmlStatus: async () => status }, '0000:0b:00.0')).toBeNull();
  });

  it('is null where its library or function is missing', async () => {
    const missing = async () => Promise.reject(new LatentCacheError('ERR_NVML', 'not there'));
    expect(await read({ nvmlStatus: missing })).toBeNull();
    expect(await read({})).toBeNull();
  });

  it('gives ranges, and every reason for lower clocks that was seen', () => {
    const { during } = gpuFacts([
      { ...CARD, smClockMhz: 1500, throttleReasons: ['power-cap'] },
      { ...CARD, smClockMhz: 1700, throttleReasons: null },
      { ...CARD, smClockMhz: 1900, throttleReasons: ['hardware-thermal', 'power-cap'] },
    ]);
    expect(during).toMatchObject({
      samples: 3,
      smClockMhz: { minimum: 1500, median: 1700, maximum: 1900 },
      powerWatts: { median: 160 },
      throttleReasons: ['hardware-thermal', 'power-cap'],
    });
  });

  it('leaves null what the card does not tell', () => {
    const facts = gpuFacts([{ ...CARD, throttleReasons: null, powerMilliwatts: null, uuid: null }]);
    expect(facts.during).toMatchObject({ throttleReasons: null, powerWatts: null });
    expect(facts.uuidHash).toBeNull();
  });

  it('is sampled until the watch is stopped, one sample at the end', async () => {
    const watch = new GpuWatch(undefined, async () => CARD);
    watch.start();
    const { samples, usedPeak, heldPeak } = await watch.stop();
    expect(samples.length).toBeGreaterThanOrEqual(1);
    expect([usedPeak, heldPeak]).toEqual([null, null]);
  });
});

describe('warnings', () => {
  const codes = async (change: (report: Awaited<ReturnType<typeof exampleReport>>) => object) => {
    const report = await exampleReport('rtx-3060');
    const { warnings: _warnings, ...facts } = { ...report, ...change(report) };
    return warningsOf({ ...facts, load: 0 }).map(({ code }) => code);
  };

  it('tell of noise above 2.5 %', async () => {
    const encode = (spread: number) =>
      codes(({ stages }) => ({ stages: { ...stages, encode: { ...stages.encode, spread } } }));
    expect(await encode(0.03)).toContain('noisy');
    expect(await encode(0.02)).not.toContain('noisy');
  });

  it('tell of reasons that slow a run down, not of those of a card at rest', async () => {
    const gpu = (throttleReasons: string[]) =>
      codes(() => ({ gpu: gpuFacts([{ ...CARD, throttleReasons }]) }));
    expect(await gpu(['software-thermal'])).toContain('throttled');
    expect(await gpu(['idle', 'application-clocks'])).not.toContain('throttled');
  });

  it('tell when copying takes as long as encoding', async () => {
    // 3 MiB an image over 2 lanes of generation 1: 6.3 ms
    const narrow = gpuFacts([{ ...CARD, pcieGeneration: 1, pcieWidth: 2 }]);
    const seconds = (median: number) =>
      codes(({ stages }) => ({ gpu: narrow, stages: { ...stages, encode: { ...stages.encode, median } } }));
    expect(await seconds(0.007)).toContain('transfer-bound');
    expect(await seconds(0.009)).not.toContain('transfer-bound');
  });

  it('tell that a speed without parity is void', async () => {
    expect(
      await codes(() => ({ parity: { status: 'not-checked', message: '', difference: null } })),
    ).toContain('parity');
  });
});

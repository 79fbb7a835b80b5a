/** The GPU backend on the simulated card: all of it, from `encodeBatch` to the device's own thread. */
import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import { BACKENDS, createEncoder } from '#dist/encoder/select.js';
import { createSimulatedEncoder, type SimulatedOptions } from '#dist/encoder/sim/create-encoder.js';
import { SIMULATED_CARDS, settingsOf } from '#dist/encoder/sim/profiles.js';
import { SD_ENCODER } from '#dist/model/architecture.js';
import type { VaeEncoderWeights } from '#dist/model/load-vae.js';
import { loadBinding } from '#dist/native/load.js';
import { useScratchFolder } from './build-helpers.js';
import { seededImage } from './encoder-helpers.js';
import { errorOf } from './tensorrt-helpers.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const CARD = 'rtx-3060';
/** Taken by the first encoder and kept to the end of the process, as by a driver. */
const CONTEXT_BYTES = 400 * MIB;
const folder = useScratchFolder();
let worlds = 0;

/** Words of a card that no other test sees; runs take no real time. */
const ownWorld = (words = '') => `pace=0 world=test-${++worlds} ${words}`;

function open(settings = ownWorld(), options: Partial<SimulatedOptions> = {}) {
  return createSimulatedEncoder(SD_ENCODER, { card: CARD, settings, ...options });
}

/** As the driver sees it, without any encoder. */
async function freeBytes(settings: string): Promise<number> {
  const [plugin] = findPlugins(['liblatent_cache_sim.so']);
  const words = `${settingsOf(SIMULATED_CARDS[CARD])} ${settings}`;
  const search = { plugin: plugin!, libraryFolders: [], settings: words };
  return (await loadBinding().backendMemory(search, 0)).free;
}

function batch(side: number, seeds: readonly number[]) {
  return { images: seeds.map((seed) => seededImage(seed, side, side)), width: side, height: side };
}

const SQUARE = { width: 512, height: 512 };

beforeEach(() => {
  vi.stubEnv('TMPDIR', folder());
});

afterEach(async () => {
  vi.unstubAllEnvs();
  // every encoder has removed its plans
  expect((await readdir(folder())).filter((name) => name.startsWith('latent-cache-sim-'))).toEqual([]);
});

describe('a simulated encoder', () => {
  it('says what it simulates', async () => {
    await using encoder = await open();
    expect(encoder.info).toMatchObject({
      backend: 'sim:rtx-3060',
      device: 'RTX 3060 12 GB',
      precision: 'fp16',
      runtime: 'simulated RTX 3060 12 GB',
      latentChannels: 4,
      stride: 8,
    });
  });

  it('gives moments of the right shape, finite and of order 1', async () => {
    await using encoder = await open();
    const moments = await encoder.encodeBatch(batch(256, [1, 2, 3]));
    expect(moments).toMatchObject({ count: 3, channels: 4, width: 32, height: 32 });
    expect(moments.mean).toHaveLength(3 * 4 * 32 * 32);
    expect(moments.mean.every((value) => Math.abs(value) <= 2)).toBe(true);
    expect(new Set(moments.logvar).size).toBe(1);
  });

  it('gives an image the same bytes alone and in a batch', async () => {
    await using encoder = await open();
    const seeds = [4, 5, 6, 7];
    const together = await encoder.encodeBatch(batch(256, seeds));
    const length = together.mean.length / seeds.length;
    const alone = await Promise.all(seeds.map((seed) => encoder.encodeBatch(batch(256, [seed]))));
    expect(alone.map(({ mean }) => mean)).toEqual(
      seeds.map((_, index) => together.mean.slice(index * length, (index + 1) * length)),
    );
  });

  it('encodes again in float32 what is not finite in half precision, if asked to', async () => {
    await using encoder = await open(ownWorld('nan=1'));
    const { images, ...size } = batch(256, [1, 2]);
    images[0]![0] = 0;
    images[1]![0] = 255;
    const moments = await encoder.encodeBatch({ images, ...size });
    expect(moments.repeatedInFloat32).toEqual([1]);
    expect(moments.mean.every(Number.isFinite)).toBe(true);
  });
});

describe('memory', () => {
  it('of a run is three maps of 128 channels and the scores, and is what the run takes', async () => {
    await using encoder = await open();
    const needs = await encoder.memory.needs(SQUARE, 2);
    // 4096 tokens at 512x512: one chunk of scores, 4096² of 2 bytes
    expect(needs.activationBytes).toBe(2 * (3 * 64 * MIB + 32 * MIB));
    await encoder.encodeBatch(batch(512, [1, 2]));
    expect(encoder.memory.held().used).toBe(needs.arenaBytes + needs.weightBytes);
  });

  it('holds weights of 2 bytes for each parameter in half precision', async () => {
    await using encoder = await open();
    const { weightBytes } = await encoder.memory.needs(SQUARE, 1);
    // the encoder is known to have 34.16 million
    expect(weightBytes / 2e6).toBeCloseTo(34.16, 1);
  });

  it('for attention is less in more chunks', async () => {
    await using whole = await open(ownWorld(), { queryChunks: 1 });
    await using sliced = await open(ownWorld(), { sliceAttention: true });
    const [all, little] = await Promise.all([whole, sliced].map((each) => each.memory.needs(SQUARE, 1)));
    // 256 rows of 4096
    expect(all!.activationBytes - little!.activationBytes).toBe(32 * MIB - 2 * MIB);
  });

  it('that other programs take is seen when they have it', async () => {
    // an image of 1024x1024 takes 4.879 TFLOP at half of 25.5 TFLOP/s: 0.383 s
    await using encoder = await open(ownWorld('others=0:1GiB,0.3:3GiB,0.5:2GiB'));
    const { free: before } = await encoder.memory.read();
    expect(before).toBe(11 * GIB - CONTEXT_BYTES);
    const seen: number[] = [];
    for (const seed of [1, 2]) {
      await encoder.encodeBatch(batch(1024, [seed]));
      await encoder.memory.release(null);
      seen.push(before - (await encoder.memory.read()).free);
    }
    expect(seen).toEqual([2 * GIB, GIB]);
  });

  it('that other programs have taken is missing, with the bytes, and the encoder goes on', async () => {
    await using encoder = await open(ownWorld('others=0.3:11GiB'));
    await encoder.encodeBatch(batch(1024, [1]));
    const { arenaBytes, weightBytes } = await encoder.memory.needs({ width: 1024, height: 1024 }, 2);
    const error = await errorOf(encoder.encodeBatch(batch(1024, [1, 2])));
    expect(error).toMatchObject({ code: 'ERR_DEVICE_OUT_OF_MEMORY', bytesAsked: arenaBytes });
    // in blocks of 2 MiB
    const weights = Math.ceil(weightBytes / (2 * MIB)) * 2 * MIB;
    expect(error.bytesFree).toBe(GIB - CONTEXT_BYTES - weights);
    expect((await encoder.encodeBatch(batch(256, [3]))).count).toBe(1);
  });

  it('beyond the budget is refused', async () => {
    await using encoder = await open(ownWorld(), { vramBudget: 100 * MIB });
    const error = await errorOf(encoder.encodeBatch(batch(512, [1])));
    const { arenaBytes, weightBytes } = await encoder.memory.needs(SQUARE, 1);
    expect(error).toMatchObject({
      code: 'ERR_DEVICE_OUT_OF_MEMORY',
      bytesAsked: arenaBytes,
      bytesFree: 100 * MIB - weightBytes,
    });
  });

  it('comes back when the encoder is disposed, all but what the driver keeps', async () => {
    const settings = ownWorld();
    expect(await freeBytes(settings)).toBe(12 * GIB);
    const encoder = await open(settings);
    await encoder.encodeBatch(batch(512, [1, 2]));
    expect(await freeBytes(settings)).toBeLessThan(12 * GIB - CONTEXT_BYTES);
    await encoder.dispose();
    expect(await freeBytes(settings)).toBe(12 * GIB - CONTEXT_BYTES);
  });

  it.each([
    1, 2, 3, 4, 5, 6, 7,
  ])('allocation %d that fails is an error or is got around, and leaves nothing', async (k) => {
    const settings = ownWorld(`fail_alloc=${k}`);
    const encoder = await open(settings);
    const outcomes: string[] = [];
    for (const seed of [1, 2]) {
      await encoder.encodeBatch(batch(256, [seed])).then(
        () => outcomes.push('done'),
        (error) => outcomes.push(error.code),
      );
    }
    // weights are tried again; then the arena; then input and output of both slots, which are the host's
    const first = k === 1 || k > 6 ? 'done' : k === 2 ? 'ERR_DEVICE_OUT_OF_MEMORY' : 'ERR_OUT_OF_MEMORY';
    expect(outcomes).toEqual([first, 'done']);
    await encoder.dispose();
    expect(await freeBytes(settings)).toBe(12 * GIB - CONTEXT_BYTES);
  });
});

describe('a device that is lost', () => {
  it('fails every call, also of an encoder opened later', async () => {
    const settings = ownWorld('lose_at_submit=2');
    await using encoder = await open(settings);
    await encoder.encodeBatch(batch(256, [1]));
    for (const _ of ['the run', 'later']) {
      expect((await errorOf(encoder.encodeBatch(batch(256, [2])))).code).toBe('ERR_DEVICE_LOST');
    }
    expect((await errorOf(encoder.memory.read())).code).toBe('ERR_DEVICE_LOST');
    expect((await errorOf(open(settings))).code).toBe('ERR_DEVICE_LOST');
  });
});

describe('the choice', () => {
  const weights = { architecture: SD_ENCODER } as VaeEncoderWeights;

  it('of a card is a backend', async () => {
    const { encoder, reason } = await createEncoder(weights, { backend: 'sim:h100' });
    await using _ = encoder;
    expect(encoder.info.runtime).toBe('simulated H100 SXM 80 GB');
    expect(reason).toMatch(/^asked for; fp16 with scaled activations/);
    expect(BACKENDS).toContain('sim:rtx-4060-ti-16gb');
  });

  it('of an unknown card is refused with those that are known', async () => {
    const error = await errorOf(createEncoder(weights, { backend: 'sim:voodoo' as 'sim:h100' }));
    expect(error.code).toBe('ERR_OPTION');
    expect(error.message).toContain('sim:rtx-3060, sim:rtx-3090');
  });

  it('of unknown words is refused by name', async () => {
    const error = await errorOf(open('colour=red'));
    expect(error).toMatchObject({ code: 'ERR_OPTION', message: expect.stringContaining('colour=red') });
  });

  it('of a precision that GPUs do not have is refused', async () => {
    expect((await errorOf(open(ownWorld(), { precision: 'bf16x3' }))).code).toBe('ERR_OPTION');
  });
});

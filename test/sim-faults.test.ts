/** A whole build on the simulated card while each of its allocations fails, or other programs come and go. */
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import { SIMULATED_CARDS, settingsOf } from '#dist/encoder/sim/profiles.js';
import { type BuildEvent, type BuildOptions, buildCache, loadBinding } from '#dist/index.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { drawImage, useScratchFolder } from './build-helpers.js';

const scratch = useScratchFolder();
const MIB = 2 ** 20;
const CONTEXT_BYTES = 400 * MIB;
let images: string;
let vae: string;
let worlds = 0;

beforeEach(async () => {
  images = path.join(scratch(), 'images');
  vae = path.join(scratch(), 'vae.safetensors');
  await mkdir(images);
  await writeSeededVae(vae, { seed: 5, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
});
afterEach(() => vi.unstubAllEnvs());

async function drawImages(sizes: readonly (readonly [number, number])[]) {
  for (const [index, [width, height]] of sizes.entries()) {
    await drawImage(path.join(images, `${index}.png`), width, height, (13 * index) % 256);
  }
}

async function run(name: string, words: string, options: Partial<BuildOptions> = {}) {
  const folder = path.join(scratch(), name);
  await cp(images, folder, { recursive: true });
  const settings = `pace=0 world=build-${++worlds} ${words}`;
  vi.stubEnv('LATENT_CACHE_SIM', settings);
  const events: BuildEvent[] = [];
  for await (const event of buildCache({
    inputs: [folder],
    model: 'sdxl',
    vae,
    backend: 'sim:rtx-3060',
    allowSimulated: true,
    resolution: 256,
    enableBucket: true,
    flipAug: true,
    oomFallback: 'fail',
    ...options,
  })) {
    events.push(event);
  }
  const files = (await readdir(folder)).filter((file) => file.endsWith('.npz')).sort();
  const bytes = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'base64')));
  const summary = events.at(-1);
  if (summary?.type !== 'summary') throw new Error('no summary');
  return {
    summary,
    events,
    settings,
    caches: Object.fromEntries(files.map((file, index) => [file, bytes[index]])),
  };
}

/** Of the card that a run has had, now that it is over. */
async function freeBytes(settings: string): Promise<number> {
  const card = SIMULATED_CARDS['rtx-3060'];
  const [plugin] = findPlugins(['liblatent_cache_sim.so']);
  const options = { plugin: plugin!, libraryFolders: [], settings: `${settingsOf(card)} ${settings}` };
  return (await loadBinding().backendMemory(options, 0)).free;
}

describe('with each allocation of the card failing in turn', () => {
  it('every run completes with the bytes of an undisturbed one, and gives everything back', async () => {
    await drawImages([...Array(5).fill([256, 256]), ...Array(3).fill([320, 192])]);
    const undisturbed = await run('undisturbed', '');
    expect(undisturbed.summary).toMatchObject({ encoded: 8, failed: 0 });
    let k = 0;
    for (let unseen = 0; unseen < 4; ) {
      const { summary, events, settings, caches } = await run(`fails-${++k}`, `fail_alloc=${k}`);
      expect(summary, `allocation ${k}`).toMatchObject({ encoded: 8, failed: 0, remaining: 0 });
      expect(caches, `allocation ${k}`).toEqual(undisturbed.caches);
      expect(await freeBytes(settings), `allocation ${k}`).toBe(
        SIMULATED_CARDS['rtx-3060'].bytes - CONTEXT_BYTES,
      );
      // what fails while the encoder starts is tried again without an event; a series of those is the end
      unseen = events.some((event) => event.type === 'memory') ? 0 : unseen + 1;
    }
    console.log(`simulated card: each of ${k - 4} allocations failed once, 0 images lost`);
  }, 120_000);
});

describe('beside another program that takes and gives back 3 GiB', () => {
  const sizes = [
    ...Array(40).fill([1024, 1024]),
    ...Array(40).fill([1536, 1536]),
    ...Array(40).fill([1344, 768]),
  ] as [number, number][];
  const options = {
    resolution: 1536,
    maxBucketReso: 2048,
    bucketNoUpscale: true,
    allowSimulated: false,
    flipAug: false,
  } as const;

  it('all images are encoded inside the budget', async () => {
    await drawImages(sizes);
    const { summary } = await run('others', 'others_random=3GiB:5 seed=3', options);
    expect(summary).toMatchObject({ encoded: 120, failed: 0, remaining: 0, stoppedBy: null });
    expect(summary.memory?.peak).toBeLessThanOrEqual(summary.memory?.budget ?? 0);
    expect(summary.memory?.buckets.map(({ planned }) => planned)).toEqual([4, 8, 8]);
  }, 120_000);

  it('--highvram says that it does not fit, and all images are encoded', async () => {
    await drawImages(sizes);
    const { summary, events } = await run('highvram', 'others_random=3GiB:5 seed=3', {
      ...options,
      highvram: true,
    });
    expect(summary).toMatchObject({ encoded: 120, failed: 0, remaining: 0 });
    expect(events).toContainEqual(expect.objectContaining({ type: 'memory', action: 'not-resident' }));
  }, 120_000);
});

describe('with a driver that', () => {
  it('keeps freed memory, the encoder is started anew and the report says so', async () => {
    await drawImages([...Array(3).fill([1024, 1024]), ...Array(3).fill([512, 512])]);
    const { summary } = await run('leak', 'leak=1', {
      resolution: 1024,
      bucketNoUpscale: true,
      flipAug: false,
    });
    expect(summary).toMatchObject({ encoded: 6, failed: 0 });
    expect(summary.memory?.actions.leak).toBeGreaterThanOrEqual(1);
  });

  it('loses the device, what is done stays and the run ends with the reason', async () => {
    await drawImages(Array(24).fill([256, 256]));
    const { summary } = await run('lost', 'lose_at_submit=3', { flipAug: false, vaeBatchSize: 4 });
    expect(summary.stoppedBy?.code).toBe('ERR_DEVICE_LOST');
    expect(summary.encoded).toBe(8);
    expect(summary.remaining + summary.failed + summary.encoded).toBe(24);
  });
});

/** Builds, plans and checks that are not told which model the VAE belongs to. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type BuildEvent, type BuildOptions, buildCache, verifyCaches } from '#dist/index.js';
import { type SeededVaeOptions, writeSeededVae } from '#dist/model/seeded-vae.js';
import { planDataset } from '#dist/plan/plan-dataset.js';
import { drawImage, fakeEncoder, namesIn, useScratchFolder } from './build-helpers.js';
import { errorOf } from './tensorrt-helpers.js';

const scratch = useScratchFolder();
let images: string;
let files = 0;

beforeEach(async () => {
  process.env.XDG_CACHE_HOME = path.join(scratch(), 'cache');
  images = path.join(scratch(), 'images');
  await mkdir(images);
  await drawImage(path.join(images, 'a.png'), 80, 70);
});

const NARROW = { seed: 3, widths: [32, 32, 32, 32], blocksPerLevel: 1 } as const;

async function vaeFile(options: Partial<SeededVaeOptions> = {}): Promise<string> {
  const file = path.join(scratch(), `vae${files++}.safetensors`);
  await writeSeededVae(file, { ...NARROW, ...options });
  return file;
}

async function run(options: Partial<BuildOptions>): Promise<BuildEvent[]> {
  const events: BuildEvent[] = [];
  const build = { inputs: [images], resolution: 64, backend: 'cpu', ...options } as const;
  for await (const event of buildCache(build)) events.push(event);
  return events;
}

const noticesOf = (events: readonly BuildEvent[], code: string) =>
  events.filter((event) => event.type === 'notice' && event.code === code);

describe('without a model', () => {
  it('a build takes the one that a checkpoint tells, and says by what', async () => {
    const vae = await vaeFile({ layout: 'checkpoint', model: 'sdxl' });
    const events = await run({ vae });
    expect(await namesIn(images)).toEqual(['a.png', 'a_0080x0070_sdxl.npz']);
    expect(noticesOf(events, 'model-recognised')).toMatchObject([
      { message: expect.stringMatching(/SDXL \(--model sdxl\), by conditioner\./), paths: [vae] },
    ]);
  });

  it('the resolution is what that model was trained at', async () => {
    const vae = await vaeFile({ layout: 'checkpoint', model: 'sd' });
    const { buckets } = await planDataset({ inputs: [images], vae, backend: 'cpu' });
    expect(buckets).toMatchObject([{ width: 512, height: 512 }]);
  });

  it('a plan names the model among the hazards', async () => {
    const vae = await vaeFile({ layout: 'checkpoint', model: 'sdxl' });
    const { hazards } = await planDataset({ inputs: [images], vae, backend: 'cpu' });
    expect(hazards).toMatchObject([{ code: 'model-recognised' }]);
  });

  it('a VAE that several models have is refused with their names, before anything is written', async () => {
    expect(await errorOf(run({ vae: await vaeFile() }))).toMatchObject({
      code: 'ERR_MODEL_AMBIGUOUS',
      message: expect.stringContaining('sd, sdxl'),
    });
    expect(await readdir(images)).toEqual(['a.png']);
  });

  it('an encoder that is handed in is refused', async () => {
    const encoder = { encoder: fakeEncoder(), fingerprint: 'fake' };
    expect(await errorOf(run({ encoder }))).toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining('encoder needs model'),
    });
  });

  it('FLUX.2 needs the statistics of the VAE beside an encoder that is handed in', async () => {
    const encoder = { encoder: fakeEncoder(undefined, { channels: 32 }), fingerprint: 'fake' };
    expect(await errorOf(run({ encoder, model: 'flux2', format: 'safetensors' }))).toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining('patchStatistics'),
    });
  });

  it('a build without a VAE says that one is needed', async () => {
    expect(await errorOf(run({}))).toMatchObject({ code: 'ERR_OPTION', message: 'no VAE was given' });
  });

  it('verify looks at caches of the model that the VAE tells', async () => {
    const vae = await vaeFile({ layout: 'checkpoint', model: 'sdxl' });
    await run({ vae });
    const events = [];
    for await (const event of verifyCaches({ inputs: [images], vae, resolution: 64 })) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: 'summary', files: 1, problems: 0 });
  });

  it('verify refuses a VAE that several models have', async () => {
    const iterate = async () => {
      for await (const _ of verifyCaches({ inputs: [images], vae: await vaeFile() }));
    };
    expect((await errorOf(iterate())).code).toBe('ERR_MODEL_AMBIGUOUS');
  });

  it('a model that is said needs no notice', async () => {
    const vae = await vaeFile({ layout: 'checkpoint', model: 'sdxl' });
    expect(noticesOf(await run({ vae, model: 'sdxl' }), 'model-recognised')).toEqual([]);
  });
});

describe('a tiny encoder', () => {
  const tiny = () => vaeFile({ vae: 'tiny' });

  it('is refused before any work where caches would be written', async () => {
    expect(await errorOf(run({ vae: await tiny(), model: 'sdxl' }))).toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining('allow_approximate'),
      remedy: expect.stringContaining('--allow-approximate'),
    });
    expect(await readdir(images)).toEqual(['a.png']);
  });

  it('may be tried and planned with', async () => {
    const vae = await tiny();
    expect((await run({ vae, model: 'sdxl', dryRun: true })).at(-1)).toMatchObject({ type: 'summary' });
    const { hazards } = await planDataset({ inputs: [images], vae, model: 'sdxl', backend: 'cpu' });
    expect(hazards).toMatchObject([{ code: 'model-warning', message: expect.stringContaining('TAESD') }]);
  });

  it('is told at the start of a run that may write', async () => {
    const events = await run({ vae: await tiny(), model: 'sdxl', allowApproximate: true });
    expect(events[0]).toMatchObject({ code: 'model-warning', message: expect.stringContaining('TAESD') });
    expect(events.at(-1)).toMatchObject({ type: 'summary', encoded: 1 });
  });

  it('stands in the record, so that verify finds it', async () => {
    await run({ vae: await tiny(), model: 'sdxl', allowApproximate: true });
    const codes = [];
    for await (const event of verifyCaches({ inputs: [images] })) {
      if (event.type === 'problem') codes.push(event.code);
    }
    expect(codes).toEqual(['ERR_APPROXIMATE']);
  });

  it('is no problem to a verify that asks for it', async () => {
    const vae = await tiny();
    await run({ vae, model: 'sdxl', allowApproximate: true });
    for await (const event of verifyCaches({ inputs: [images], vae, model: 'sdxl' })) {
      if (event.type === 'summary') expect(event).toMatchObject({ files: 1, problems: 0 });
    }
  });

  it('has its caches kept by the next run with it, and made again by the VAE', async () => {
    const vae = await tiny();
    await run({ vae, model: 'sdxl', allowApproximate: true });
    const again = await run({ vae, model: 'sdxl', allowApproximate: true });
    expect(again.at(-1)).toMatchObject({ encoded: 0, skipped: 1 });
    expect((await run({ vae: await vaeFile(), model: 'sdxl' })).at(-1)).toMatchObject({ encoded: 1 });
  });
});

/** Caches of images and their control images: names, keys, shapes, failures, what the next run does. */
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeTensorFile, readTensorFile } from '#dist/cache/tensor-file.js';
import type { BuildOptions, Encoder } from '#dist/index.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import type { PlannedImage } from '#dist/pipeline/plan-image.js';
import { memoryOf } from '#dist/pipeline/prepare-image.js';
import { unitOf } from '#dist/pipeline/work-unit.js';
import { build, drawImage, fakeEncoder, namesIn, useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);
const kontextEncoder = (change?: Parameters<typeof fakeEncoder>[0]) => fakeEncoder(change, { channels: 16 });

beforeEach(async () => {
  for (const name of ['images', 'controls', 'cache']) await mkdir(inside(name));
});

async function drawPair(name: string, shade: number, controlShade: number, size = [64, 64]): Promise<void> {
  const [width, height] = size as [number, number];
  await drawImage(inside(`images/${name}.png`), 64, 64, shade);
  await writeFile(inside(`images/${name}.txt`), 'a caption');
  await drawImage(inside(`controls/${name}.png`), width, height, controlShade);
}

/** Writes a config of one data set, in the folders above. */
async function config(dataset: object = {}): Promise<string> {
  const file = inside('config.json');
  const defaults = {
    image_directory: inside('images'),
    control_directory: inside('controls'),
    cache_directory: inside('cache'),
    resolution: 64,
    caption_extension: '.txt',
  };
  await writeFile(file, JSON.stringify({ datasets: [{ ...defaults, ...dataset }] }));
  return file;
}

async function run(
  options: Partial<BuildOptions> = {},
  dataset: object = {},
  encoder: Encoder = kontextEncoder(),
) {
  const datasetConfig = await config(dataset);
  const defaults = { inputs: [], model: 'flux-kontext', datasetConfig } as const;
  return build(folder(), { ...defaults, ...options }, encoder);
}

async function tensorsOf(file: string) {
  const { tensors, data } = (await readTensorFile(inside(file)))!;
  return Object.fromEntries(
    [...tensors].map(([name, { shape }]) => {
      const bytes = Uint8Array.from(data.get(name)!);
      return [name, { shape: [...shape], values: new Float32Array(bytes.buffer) }];
    }),
  );
}

const CACHE = 'cache/a_0064x0064_fk.safetensors';

describe('FLUX.1 Kontext', () => {
  it('has the latents of image and control image in one file', async () => {
    await drawPair('a', 80, 200);
    const { summary, events } = await run();
    expect(await namesIn(inside('cache'))).toEqual(['a_0064x0064_fk.safetensors']);
    const tensors = await tensorsOf(CACHE);
    expect(Object.keys(tensors).sort()).toEqual(['latents_1x8x8_float32', 'latents_control_1x8x8_float32']);
    // 0.3611 (z − 0.1159), as AutoEncoder.encode of the trainer
    expect(tensors.latents_1x8x8_float32!.values[0]).toBe(Math.fround(0.3611 * (80 - 0.1159)));
    expect(tensors.latents_control_1x8x8_float32!.values[0]).toBe(Math.fround(0.3611 * (200 - 0.1159)));
    expect(tensors.latents_control_1x8x8_float32!.shape).toEqual([16, 8, 8]);
    expect(summary).toMatchObject({ total: 1, encoded: 1, decoded: 2, failed: 0, remaining: 0 });
    expect(events.filter(({ type }) => type === 'encoded')).toHaveLength(1);
  });

  it('takes the first of several control images', async () => {
    await drawPair('a', 80, 200);
    await drawImage(inside('controls/a_1.png'), 64, 64, 20);
    await run();
    const tensors = await tensorsOf(CACHE);
    expect(tensors.latents_control_1x8x8_float32!.values[0]).toBe(Math.fround(0.3611 * (200 - 0.1159)));
  });

  it('gives each image its own control image, whatever their sizes and batches', async () => {
    for (let i = 0; i < 9; i++) await drawPair(`p${i}`, 10 + i, 100 + i, [32 + 16 * (i % 4), 48]);
    const { summary } = await run({ vaeBatchSize: 4 }, { no_resize_control: true });
    expect(summary).toMatchObject({ encoded: 9, decoded: 18, failed: 0 });
    for (let i = 0; i < 9; i++) {
      const tensors = await tensorsOf(`cache/p${i}_0064x0064_fk.safetensors`);
      const control = tensors[`latents_control_1x6x${4 + 2 * (i % 4)}_float32`]!;
      expect([tensors.latents_1x8x8_float32!.values[0], control.values[0]]).toEqual([
        Math.fround(0.3611 * (10 + i - 0.1159)),
        Math.fround(0.3611 * (100 + i - 0.1159)),
      ]);
    }
  });

  it('collects control images of one size into batches', async () => {
    for (let i = 0; i < 8; i++) await drawPair(`p${i}`, 10, 100, i % 2 === 0 ? [32, 32] : [48, 48]);
    const encoder = kontextEncoder();
    await run({ vaeBatchSize: 4 }, { no_resize_control: true }, encoder);
    const sizes = encoder.batches.map(({ width, images }) => `${width}x${images.length}`).sort();
    expect(sizes).toEqual(['32x4', '48x4', '64x4', '64x4']);
  });

  it('ends where no pixel memory is left for waiting', async () => {
    for (let i = 0; i < 5; i++) {
      await drawImage(inside(`images/${i}.png`), 512, 512, 30 + i);
      await writeFile(inside(`images/${i}.txt`), 'x');
      await drawImage(inside(`controls/${i}.png`), 512 + 16 * i, 400, 200);
    }
    const options = { memoryBudget: 2 ** 20 };
    const { summary } = await run(options, { resolution: 512, no_resize_control: true });
    expect(summary).toMatchObject({ encoded: 5, decoded: 10, failed: 0 });
  });

  it('draws other noise for the control image, with --posterior sample', async () => {
    await drawPair('a', 80, 80);
    await run({ posterior: 'sample' });
    const tensors = await tensorsOf(CACHE);
    expect(tensors.latents_1x8x8_float32!.values).not.toEqual(tensors.latents_control_1x8x8_float32!.values);
  });

  it('counts control images in the planned bytes', async () => {
    await drawPair('a', 80, 200);
    const { events } = await run();
    const plan = events.find(({ type }) => type === 'plan');
    expect(plan).toMatchObject({ outputBytes: 2048 + 2 * 16 * 8 * 8 * 4 });
  });

  it.each(['folder', 'config'])('is refused where a %s has no control images', async (kind) => {
    await drawPair('a', 80, 200);
    const datasetConfig = await config({ control_directory: undefined });
    const options = kind === 'folder' ? { inputs: [inside('images')] } : { inputs: [], datasetConfig };
    const refused = build(folder(), { format: 'musubi', model: 'flux-kontext', ...options });
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_OPTION',
      remedy: expect.stringContaining('control_directory'),
    });
  });

  it('takes control images from a list', async () => {
    await drawPair('a', 80, 200);
    const lines = [
      { image_path: inside('images/a.png'), control_path: inside('controls/a.png'), caption: '' },
    ];
    await writeFile(inside('list.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    await run(
      {},
      { image_directory: undefined, control_directory: undefined, image_jsonl_file: inside('list.jsonl') },
    );
    expect(Object.keys(await tensorsOf(CACHE))).toContain('latents_control_1x8x8_float32');
  });
});

describe('a control image that cannot be used', () => {
  const broken = {
    missing: () => rm(inside('controls/b.png')),
    damaged: () => writeFile(inside('controls/b.png'), 'no image'),
    'cut off': async () => {
      const bytes = await readFile(inside('controls/b.png'));
      await writeFile(inside('controls/b.png'), bytes.subarray(0, bytes.length - 40));
    },
    'named wrongly': () => drawImage(inside('controls/b_x.png'), 64, 64),
    'a broken link': async () => {
      await rm(inside('controls/b.png'));
      const { symlink } = await import('node:fs/promises');
      await symlink('nowhere', inside('controls/b.png'));
    },
  };

  it.each(Object.entries(broken))('(%s) is the failure of its image alone', async (_name, spoil) => {
    for (const name of ['a', 'b', 'c']) await drawPair(name, 80, 200);
    await spoil();
    const { summary, failures } = await run();
    expect(failures).toEqual({ 'b.png': 'ERR_CONTROL_IMAGE' });
    expect(summary).toMatchObject({ encoded: 2, failed: 1, remaining: 0 });
    expect(await namesIn(inside('cache'))).toEqual([
      'a_0064x0064_fk.safetensors',
      'c_0064x0064_fk.safetensors',
    ]);
  });

  it('is named with what can be done', async () => {
    await drawPair('b', 80, 200);
    await writeFile(inside('controls/b.png'), 'no image');
    const { summary } = await run();
    expect(summary.failures[0]).toMatchObject({
      path: inside('images/b.png'),
      message: expect.stringContaining(inside('controls/b.png')),
      remedy: expect.any(String),
    });
  });

  it('of a size that the encoder does not take is named as well', async () => {
    await drawPair('b', 80, 200, [50, 40]);
    const { summary } = await run({}, { no_resize_control: true, control_resolution: 64 });
    expect(summary.failures[0]).toMatchObject({
      code: 'ERR_CONTROL_IMAGE',
      message: expect.stringMatching(/controls\/b\.png.*50x40.*multiples of 16/),
    });
  });

  it('is tried again by the next run', async () => {
    await drawPair('b', 80, 200);
    await writeFile(inside('controls/b.png'), 'no image');
    await run();
    await rm(inside('controls/b.png'));
    await drawImage(inside('controls/b.png'), 64, 64, 9);
    expect((await run()).summary).toMatchObject({ encoded: 1, failed: 0 });
  });

  it('leaves the caches of other trainers alone', async () => {
    await drawPair('b', 80, 200, [64, 64]);
    const bytes = await readFile(inside('controls/b.png'));
    await writeFile(inside('controls/b.png'), bytes.subarray(0, bytes.length - 40));
    const { summary } = await run({ format: ['musubi', 'ai-toolkit'] });
    expect(summary).toMatchObject({ total: 2, encoded: 1, failed: 1, remaining: 0 });
    expect(await readdir(inside('images/_latent_cache'))).toHaveLength(1);
  });

  it('with latents that are not finite gives no file', async () => {
    await drawPair('a', 80, 200);
    const encoder = kontextEncoder((mean) => {
      if (mean[0] === 200) mean[0] = Number.NaN;
    });
    const { failures } = await run({ vaeBatchSize: 1 }, {}, encoder);
    expect(failures).toEqual({ 'a.png': 'ERR_NON_FINITE' });
    expect(await namesIn(inside('cache'))).toEqual([]);
  });

  it('because the encoder fails is named once', async () => {
    await drawPair('a', 80, 200);
    const { summary } = await run(
      {},
      {},
      kontextEncoder(() => Promise.reject(new Error('no'))),
    );
    expect(summary).toMatchObject({ encoded: 0, failed: 1, remaining: 0 });
    expect(summary.failures).toHaveLength(1);
  });
});

describe('a run that is stopped', () => {
  it('leaves no cache without its control image, and the next run goes on', async () => {
    for (let i = 0; i < 8; i++) await drawPair(`p${i}`, 10, 100, [32, 32]);
    const stop = new AbortController();
    const encoder = kontextEncoder((_mean, { width }) => {
      if (width === 32) stop.abort();
    });
    const options = { vaeBatchSize: 2, memoryBudget: 2 ** 20 };
    const { summary } = await run({ ...options, signal: stop.signal }, { no_resize_control: true }, encoder);
    expect(summary).toMatchObject({ failed: 0, aborted: true });
    const names = await namesIn(inside('cache'));
    expect(names).toHaveLength(summary.encoded);
    for (const name of names) expect(Object.keys(await tensorsOf(`cache/${name}`))).toHaveLength(2);
    const next = await run(options, { no_resize_control: true });
    expect(next.summary).toMatchObject({ skipped: summary.encoded, encoded: 8 - summary.encoded });
  });
});

describe('memory of an image and its control image', () => {
  const part = (side: number) => ({
    geometry: { bucket: { width: side, height: side }, resized: { width: side, height: side }, crop: {} },
    resampling: { premultiply: false },
    latentShape: [16, side / 8, side / 8],
    path: `${side}.png`,
    info: { bytes: 1000, size: { width: side, height: side } },
  });
  const image = { ...part(512), image: { path: '512.png' }, target: { pixels: { icc: 'ignore' } } };
  const latents = { 512: 16 * 64 * 64 * 4, 32: 16 * 4 * 4 * 4 };
  const memory = memoryOf(unitOf([{ ...image, controls: [part(32)] } as unknown as PlannedImage]));

  it('is pixels and the latents that wait for them', () => {
    expect(memory.prepared).toEqual([512 * 512 * 3 + latents[32], 32 * 32 * 3 + latents[512]]);
  });

  it('is that of the larger file, with all pixels, while both are read', () => {
    const [own, control] = memory.prepared;
    expect(memory.preparing).toBe(1000 + 2 * 512 * 512 * 3 + own! + control!);
  });
});

describe('several caches of an image', () => {
  it('share its decoded file, and control images are those of one trainer', async () => {
    await drawPair('a', 80, 200, [96, 96]);
    const options = { format: ['musubi', 'ai-toolkit'] } as const;
    const { summary } = await run(options, { control_resolution: 96 });
    expect(summary).toMatchObject({ total: 2, encoded: 2, decoded: 2, failed: 0 });
    expect(Object.keys(await tensorsOf(CACHE)).sort()).toEqual([
      'latents_1x8x8_float32',
      'latents_control_1x12x12_float32',
    ]);
  });

  it('have control images of their own, in two data sets', async () => {
    await drawPair('a', 80, 200);
    await mkdir(inside('other'));
    await drawImage(inside('other/a.png'), 64, 64, 7);
    const common = { image_directory: inside('images'), caption_extension: '.txt', resolution: 64 };
    const datasets = ['controls', 'other'].map((name) => ({
      ...common,
      control_directory: inside(name),
      cache_directory: inside(`cache/${name}`),
    }));
    await writeFile(inside('two.json'), JSON.stringify({ datasets }));
    const { summary } = await run({ datasetConfig: inside('two.json') });
    expect(summary).toMatchObject({ total: 2, encoded: 2, decoded: 3, failed: 0 });
    const values = ['controls', 'other'].map(async (name) => {
      const tensors = await tensorsOf(`cache/${name}/a_0064x0064_fk.safetensors`);
      return tensors.latents_control_1x8x8_float32!.values[0];
    });
    expect(await Promise.all(values)).toEqual([200, 7].map((z) => Math.fround(0.3611 * (z - 0.1159))));
  });
});

describe('the next run', () => {
  beforeEach(async () => {
    await drawPair('a', 80, 200);
    await run();
  });

  it('keeps what is right, without decoding', async () => {
    expect((await run()).summary).toMatchObject({ skipped: 1, encoded: 0, decoded: 0 });
  });

  it('keeps it without the manifest', async () => {
    await rm(inside('cache/.latent-cache'), { recursive: true });
    expect((await run()).summary).toMatchObject({ skipped: 1, encoded: 0 });
  });

  it('keeps it when the control image was only touched', async () => {
    await utimes(inside('controls/a.png'), new Date(), new Date());
    expect((await run()).summary).toMatchObject({ skipped: 1, encoded: 0 });
  });

  it.each([
    true,
    false,
  ])('makes it again when the control image has changed (with manifest: %s)', async (known) => {
    await drawImage(inside('controls/a.png'), 64, 64, 9);
    if (!known) await rm(inside('cache/.latent-cache'), { recursive: true });
    expect((await run()).summary).toMatchObject({ skipped: 0, encoded: 1 });
    const tensors = await tensorsOf(CACHE);
    expect(tensors.latents_control_1x8x8_float32!.values[0]).toBe(Math.fround(0.3611 * (9 - 0.1159)));
    expect((await run()).summary).toMatchObject({ skipped: 1 });
  });

  it('makes it again for control images of another size', async () => {
    const { summary } = await run({}, { control_resolution: 96 });
    expect(summary).toMatchObject({ encoded: 1 });
    expect(Object.keys(await tensorsOf(CACHE)).sort()).toEqual([
      'latents_1x8x8_float32',
      'latents_control_1x12x12_float32',
    ]);
  });

  it('with --skip-existing keeps a cache of other control images, as the trainer does', async () => {
    await drawImage(inside('controls/a.png'), 64, 64, 9);
    expect((await run({ skipExisting: true })).summary).toMatchObject({ skipped: 1, encoded: 0 });
  });

  it('with --skip-existing makes a cache again that has no latents of the control image', async () => {
    const { tensors, data, metadata } = (await readTensorFile(inside(CACHE)))!;
    const name = 'latents_1x8x8_float32';
    const { shape } = tensors.get(name)!;
    const own = { name, dtype: 'F32', shape, data: data.get(name)! } as const;
    const pieces = encodeTensorFile([own], Object.fromEntries(metadata), new Map());
    await writeFile(inside(CACHE), Buffer.concat(pieces));
    expect((await run({ skipExisting: true })).summary).toMatchObject({ skipped: 0, encoded: 1 });
  });
});

/** The VAE's own. */
const WITHOUT_ENCODER = { encoder: undefined } as unknown as Partial<BuildOptions>;

describe('FLUX.2', () => {
  const vae = () => inside('vae.safetensors');
  const flux2 = async (dataset: object = {}) => {
    const tiny = { widths: [32, 32, 32, 32], blocksPerLevel: 1 } as const;
    await writeSeededVae(vae(), { seed: 3, vae: 'flux2', layout: 'bfl', ...tiny });
    return run({ model: 'flux2', vae: vae(), backend: 'cpu', ...WITHOUT_ENCODER }, dataset);
  };
  const FILE = 'cache/a_0064x0064_f2d.safetensors';

  it('has any number of control images under numbered keys', async () => {
    await drawPair('a', 80, 200, [48, 32]);
    await drawImage(inside('controls/a_3.png'), 64, 80, 20);
    const { summary } = await flux2({ no_resize_control: true });
    expect(summary).toMatchObject({ encoded: 1, decoded: 3, failed: 0 });
    const tensors = await tensorsOf(FILE);
    expect(Object.entries(tensors).map(([name, { shape }]) => [name, shape])).toEqual([
      ['latents_4x4_float32', [128, 4, 4]],
      ['latents_control_0_2x3_float32', [128, 2, 3]],
      ['latents_control_1_5x4_float32', [128, 5, 4]],
    ]);
  });

  it('gives a control image the latents that it has as an image', async () => {
    await drawPair('a', 80, 200);
    await flux2();
    const pair = await tensorsOf(FILE);
    await mkdir(inside('alone'));
    await drawImage(inside('alone/a.png'), 64, 64, 200);
    await writeFile(inside('alone/a.txt'), 'x');
    await flux2({
      image_directory: inside('alone'),
      control_directory: undefined,
      cache_directory: inside('alone'),
    });
    const alone = await tensorsOf('alone/a_0064x0064_f2d.safetensors');
    expect(pair.latents_control_0_4x4_float32!.values).toEqual(alone.latents_4x4_float32!.values);
  });

  it('makes a cache again when the data set has no control images any more', async () => {
    await drawPair('a', 80, 200);
    await flux2();
    const { summary } = await flux2({ control_directory: undefined });
    expect(summary).toMatchObject({ encoded: 1 });
    expect(Object.keys(await tensorsOf(FILE))).toEqual(['latents_4x4_float32']);
  });

  it('needs none for each image of a list', async () => {
    await drawPair('a', 80, 200);
    await drawPair('b', 80, 200);
    const lines = [
      { image_path: inside('images/a.png'), control_path_0: inside('controls/a.png'), caption: '' },
      { image_path: inside('images/b.png'), caption: '' },
    ];
    await writeFile(inside('list.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    const { summary } = await flux2({
      image_directory: undefined,
      control_directory: undefined,
      image_jsonl_file: inside('list.jsonl'),
    });
    expect(summary).toMatchObject({ encoded: 2, decoded: 3, failed: 0 });
    expect(Object.keys(await tensorsOf('cache/b_0064x0064_f2d.safetensors'))).toEqual([
      'latents_4x4_float32',
    ]);
  });
});

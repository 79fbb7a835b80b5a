/**
 * Whole data sets as users have them: exactly the files that each trainer looks for, and one decode of each image. Which files
 * those are is written by hand from the format note, 1.1 to 1.6, 2.1 and 2.2.
 */
import { mkdir, readdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { BuildOptions } from '#dist/index.js';
import { build, drawImage, fakeEncoder, readNumbers, useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);

/** @param text with @ for the scratch folder */
async function write(name: string, text: string): Promise<string> {
  await mkdir(path.dirname(inside(name)), { recursive: true });
  await writeFile(inside(name), text.replaceAll('@', folder()));
  return inside(name);
}

async function draw(
  images: Readonly<Record<string, readonly [width: number, height: number]>>,
): Promise<void> {
  for (const [name, [width, height]] of Object.entries(images)) {
    await mkdir(path.dirname(inside(name)), { recursive: true });
    const background = { r: 90, g: 120, b: 30 };
    const image = sharp({ create: { width, height, channels: 3, background } }).png();
    await writeFile(inside(name), await image.toBuffer());
  }
}

/** All caches below the scratch folder. */
async function caches(): Promise<string[]> {
  const names = await readdir(folder(), { recursive: true });
  return names.filter((name) => /\.(npz|safetensors)$/.test(name) && !name.includes('.latent-cache/')).sort();
}

const run = (options: Partial<BuildOptions>, channels = 4) =>
  build(folder(), { inputs: [], ...options }, fakeEncoder(undefined, { channels }));

const SMALL = 'min_bucket_reso = 64\nmax_bucket_reso = 512\nenable_bucket = true';
const subset = (dir: string, more = '') => `[[datasets.subsets]]\nimage_dir = "@/${dir}"\n${more}\n`;
const dataset = (resolution: string, ...subsets: string[]) =>
  `[[datasets]]\nresolution = ${resolution}\n${SMALL}\n${subsets.join('')}`;

const THREE_DATA_SETS = [
  dataset('128', subset('photos', 'num_repeats = 10'), subset('faces', 'flip_aug = true')),
  dataset('[256, 192]', subset('photos')),
  dataset('128', subset('masks', 'alpha_mask = true')),
].join('\n');

const PHOTOS = {
  'photos/a.png': [300, 200],
  'photos/b.JPG': [200, 300],
  'photos/c.Png': [128, 128],
  'photos/sub/d.png': [128, 128],
  'faces/e.png': [128, 128],
  'masks/f.png': [128, 128],
} as const;

describe('three data sets of sd-scripts, two resolutions of one folder, a flipped and a masked subset', () => {
  const options = { model: 'flux' } as const;

  it('become the files that it looks for, and no more', async () => {
    await draw(PHOTOS);
    await run({ ...options, datasetConfig: await write('data.toml', THREE_DATA_SETS) }, 16);
    expect(await caches()).toEqual([
      'faces/e_0128x0128_flux.npz',
      'masks/f_0128x0128_flux.npz',
      'photos/a_0300x0200_flux.npz',
      'photos/b_0200x0300_flux.npz',
    ]);
  });

  it('hold each resolution, flipped latents and masks where they are wanted and nowhere else', async () => {
    await draw(PHOTOS);
    await run({ ...options, datasetConfig: await write('data.toml', THREE_DATA_SETS) }, 16);
    const keys = async (name: string) => Object.keys(await readNumbers(inside(name))).sort();
    const of = (size: string, ...more: string[]) =>
      ['latents', 'original_size', 'crop_ltrb', ...more].map((key) => `${key}_${size}`);
    // 128: of the buckets 64×256, 128×128 and 256×64 the square is nearest to 3:2. 256×192: 256×192 is.
    expect(await keys('photos/a_0300x0200_flux.npz')).toEqual([...of('16x16'), ...of('24x32')].sort());
    expect(await keys('faces/e_0128x0128_flux.npz')).toEqual(of('16x16', 'latents_flipped').sort());
    expect(await keys('masks/f_0128x0128_flux.npz')).toEqual(of('16x16', 'alpha_mask').sort());
  });

  it('are decoded once each', async () => {
    await draw(PHOTOS);
    const { summary } = await run(
      { ...options, datasetConfig: await write('data.toml', THREE_DATA_SETS) },
      16,
    );
    expect(summary).toMatchObject({ total: 6, encoded: 6, decoded: 4, failed: 0, remaining: 0 });
  });

  it('leave a second run nothing to do', async () => {
    await draw(PHOTOS);
    const datasetConfig = await write('data.toml', THREE_DATA_SETS);
    await run({ ...options, datasetConfig }, 16);
    const { summary } = await run({ ...options, datasetConfig }, 16);
    expect(summary).toMatchObject({ total: 6, encoded: 0, skipped: 6, decoded: 0 });
  });

  it('encode again only what a changed option is about', async () => {
    await draw(PHOTOS);
    const datasetConfig = await write('data.toml', THREE_DATA_SETS);
    await run({ ...options, datasetConfig }, 16);
    await write('data.toml', THREE_DATA_SETS.replace('num_repeats = 10', 'flip_aug = true'));
    const { summary } = await run({ ...options, datasetConfig }, 16);
    expect(summary).toMatchObject({ encoded: 2, skipped: 4, decoded: 2 });
  });

  it('are only counted by a dry run', async () => {
    await draw(PHOTOS);
    const datasetConfig = await write('data.toml', THREE_DATA_SETS);
    const { events } = await run({ ...options, datasetConfig, dryRun: true }, 16);
    expect(events.find(({ type }) => type === 'plan')).toMatchObject({ total: 6, toEncode: 6 });
    expect(await caches()).toEqual([]);
  });

  it('name a broken image once and finish the others', async () => {
    await draw(PHOTOS);
    await write('photos/broken.png', 'no image');
    const { summary, failures } = await run(
      { ...options, datasetConfig: await write('data.toml', THREE_DATA_SETS) },
      16,
    );
    expect(failures).toEqual({ 'broken.png': 'ERR_IMAGE_FORMAT' });
    expect(summary).toMatchObject({ encoded: 6, failed: 2, remaining: 0 });
  });
});

describe('one image in several data sets of sd-scripts', () => {
  const LIST = JSON.stringify({ 'a.png': { image_size: [128, 128] } });
  const IMAGES = { 'photos/a.png': [128, 128], 'photos/b.png': [128, 128] } as const;
  const a = 'photos/a_0128x0128_sdxl.npz';
  const b = 'photos/b_0128x0128_sdxl.npz';
  const listed = (more: string) => subset('photos', `metadata_file = "@/list.json"\n${more}`);

  async function twice(toml: string) {
    await draw(IMAGES);
    await write('list.json', LIST);
    const datasetConfig = await write('data.toml', toml);
    await run({ datasetConfig });
    return run({ datasetConfig });
  }

  it.each([
    ['two folders', subset('photos', 'flip_aug = true'), subset('photos', 'alpha_mask = true')],
    ['a folder and a list', subset('photos', 'flip_aug = true'), listed('alpha_mask = true')],
    ['two lists', listed('flip_aug = true'), listed('alpha_mask = true')],
  ])('has what each of them wants: %s', async (_, first, second) => {
    await twice(dataset('128', first) + dataset('128', second));
    const keys = Object.keys(await readNumbers(inside(a)));
    expect(keys).toEqual(expect.arrayContaining(['latents', 'latents_flipped', 'alpha_mask']));
  });

  it('gives no mask to images that only the other one has: a mask alone switches masked loss on', async () => {
    await twice(dataset('128', subset('photos')) + dataset('128', listed('alpha_mask = true')));
    expect(Object.keys(await readNumbers(inside(b)))).not.toContain('alpha_mask');
  });

  it.each([
    ['folder and list', subset('photos', 'flip_aug = true'), listed('alpha_mask = true')],
    ['list and folder', listed('alpha_mask = true'), subset('photos')],
    [
      'two resamplers',
      subset('photos', 'resize_interpolation = "area"'),
      subset('photos', 'resize_interpolation = "box"'),
    ],
  ])('is complete for the next run: %s', async (_, first, second) => {
    const { summary } = await twice(dataset('128', first) + dataset('128', second));
    expect(summary).toMatchObject({ encoded: 0, remaining: 0 });
  });

  it('has one key for each size where buckets differ and the resolution does not', async () => {
    await draw({ 'photos/a.png': [300, 200] });
    const off = dataset('128', subset('photos')).replace('enable_bucket = true', 'enable_bucket = false');
    const on = dataset('128', subset('photos')).replace(SMALL, `${SMALL}\nbucket_reso_steps = 32`);
    await run({ datasetConfig: await write('data.toml', on + off) });
    // Of the buckets in steps of 32, 160×96 is nearest to 3:2.
    expect(Object.keys(await readNumbers(inside('photos/a_0300x0200_sdxl.npz')))).toEqual(
      expect.arrayContaining(['latents_12x20', 'latents_16x16']),
    );
  });
});

describe('sd-scripts without a config', () => {
  const options = { resolution: 128, minBucketReso: 64, enableBucket: true } as const;

  it('takes the sub-folders {repeats}_{class}', async () => {
    await draw({
      'set/10_cat/a.png': [128, 128],
      'set/1_dog/b.png': [128, 128],
      'set/dog/c.png': [128, 128],
      'set/d.png': [128, 128],
    });
    await run({ ...options, trainDataDir: inside('set') });
    expect(await caches()).toEqual(['set/10_cat/a_0128x0128_sdxl.npz', 'set/1_dog/b_0128x0128_sdxl.npz']);
  });

  it('takes the images and the sizes of a list, which leaves extensions out', async () => {
    await draw({ 'set/a.png': [128, 128], 'set/b.png': [128, 128], 'set/c.png': [128, 128] });
    const inJson = await write(
      'meta.json',
      JSON.stringify({ a: { image_size: [128, 128] }, 'b.png': { image_size: [640, 480] } }),
    );
    await run({ ...options, trainDataDir: inside('set'), inJson });
    expect(await caches()).toEqual(['set/a_0128x0128_sdxl.npz', 'set/b_0640x0480_sdxl.npz']);
  });
});

describe('which images count', () => {
  it('for sd-scripts: its extensions in one case of letters, no sub-folders, captions or none, EXIF ignored', async () => {
    await draw({
      'a.png': [128, 96],
      'b.WEBP': [128, 128],
      'c.Png': [128, 128],
      '.d.png': [128, 128],
      'e.gif': [128, 128],
      'sub/f.png': [128, 128],
    });
    await turned('g.jpg');
    await build(folder(), { resolution: 128 });
    expect(await caches()).toEqual(['a_0128x0096_sdxl.npz', 'b_0128x0128_sdxl.npz', 'g_0300x0200_sdxl.npz']);
  });

  it('for musubi-tuner: those with a caption, its extensions, no sub-folders, EXIF ignored', async () => {
    await draw({
      'a.png': [128, 96],
      'b.png': [128, 128],
      'c.Png': [128, 128],
      'sub/d.png': [128, 128],
      'f.png': [128, 128],
    });
    await turned('e.jpg');
    for (const name of ['a.txt', 'c.txt', 'sub/d.txt', 'e.txt', 'f.TXT']) await write(name, 'a picture');
    const { notices } = await build(
      folder(),
      { format: 'musubi', model: 'z-image', resolution: 128 },
      fakeEncoder(undefined, { channels: 16 }),
    );
    expect(await caches()).toEqual(['a_0128x0096_zi.safetensors', 'e_0300x0200_zi.safetensors']);
    expect(notices).toMatchObject({ 'no-caption': 2 });
  });

  it('for ai-toolkit: jpg, jpeg, png and webp in any case, sub-folders without _controls and hidden ones', async () => {
    await draw({
      'a.Png': [128, 96],
      'b.bmp': [128, 128],
      '.c.png': [128, 128],
      'sub/deep/d.JPEG': [128, 128],
      'sub/_controls/e.png': [128, 128],
      '.hidden/f.png': [128, 128],
    });
    await build(folder(), { format: 'ai-toolkit', resolution: 128 });
    const stems = (await caches()).map((name) => name.replace(/_[\w-]{22}\.safetensors$/, ''));
    expect(stems).toEqual(['_latent_cache/a', 'sub/deep/_latent_cache/d']);
  });

  it('for ai-toolkit: the size is that of the upright image', async () => {
    await turned('a.jpg');
    const encoder = fakeEncoder();
    await build(folder(), { format: 'ai-toolkit', resolution: 128 }, encoder);
    // 200×300 of 128² in steps of 16: 96×160 and 112×144 do not exceed it; 112×144 is nearer in area.
    expect(encoder.batches.map(({ width, height }) => [width, height])).toEqual([[112, 144]]);
  });

  /** 300×200 as stored, upright 200×300. */
  async function turned(name: string): Promise<void> {
    const background = { r: 90, g: 120, b: 30 };
    const image = sharp({ create: { width: 300, height: 200, channels: 3, background } });
    await writeFile(inside(name), await image.withMetadata({ orientation: 6 }).jpeg().toBuffer());
  }
});

describe('a config of musubi-tuner', () => {
  it('puts the caches of images with captions where it says', async () => {
    await draw({ 'set/a.png': [128, 96], 'set/b.png': [128, 96], 'other/c.png': [128, 96] });
    await write('set/a.caption', 'x');
    await write('other/c.caption', 'x');
    const datasetConfig = await write(
      'data.toml',
      `[general]
resolution = [128, 128]
caption_extension = ".caption"
enable_bucket = true
[[datasets]]
image_directory = "@/set"
cache_directory = "@/cache"
[[datasets]]
image_directory = "@/other"
`,
    );
    await run({ datasetConfig, model: 'qwen-image' }, 16);
    expect(await caches()).toEqual(['cache/a_0128x0096_qi.safetensors', 'other/c_0128x0096_qi.safetensors']);
  });
});

describe('several trainers and resolutions in one run', () => {
  const options = {
    format: ['sd-scripts', 'ai-toolkit', 'safetensors'],
    resolution: [128, 192],
    flipAug: true,
  } as const;

  it('decode each image once', async () => {
    await drawImage(inside('a.png'), 300, 300);
    await drawImage(inside('b.png'), 400, 400);
    const { summary } = await build(folder(), options);
    // ai-toolkit: mirrored images are images of their own.
    expect(summary).toMatchObject({ total: 16, encoded: 16, decoded: 2, remaining: 0 });
  });

  it('write the files of each', async () => {
    await drawImage(inside('a.png'), 300, 300);
    await build(folder(), options);
    const names = (await caches()).map((name) => name.replace(/_[\w-]{22}\.safetensors$/, ''));
    expect(names).toEqual([
      ...Array.from({ length: 4 }, () => '_latent_cache/a'),
      'a_0300x0300_sdxl.npz',
      'a_0300x0300_sdxl.safetensors',
    ]);
  });

  it('make again what was lost, and nothing else', async () => {
    await drawImage(inside('a.png'), 300, 300);
    await build(folder(), options);
    await unlink(inside((await caches())[0]!));
    const { summary } = await build(folder(), options);
    expect(summary).toMatchObject({ encoded: 1, skipped: 7, decoded: 1 });
  });

  it('lie below an output folder as they would lie beside the images', async () => {
    await draw({ 'set/a.png': [128, 128], 'set/sub/b.png': [128, 128] });
    await build(inside('set'), { ...options, resolution: 128, flipAug: false, outDir: inside('out') });
    const names = (await caches()).map((name) => name.replace(/_[\w-]{22}\.safetensors$/, ''));
    expect(names).toEqual([
      'out/_latent_cache/a',
      'out/a_0128x0128_sdxl.npz',
      'out/a_0128x0128_sdxl.safetensors',
      'out/sub/_latent_cache/b',
    ]);
  });
});

describe('an old cache of another size of the image', () => {
  it.each([
    ['musubi', 'z-image', 'a_0300x0300_zi.safetensors', 'a_0200x0300_zi.safetensors'],
    ['safetensors', 'sdxl', 'a_0300x0300_sdxl.safetensors', 'a_0200x0300_sdxl.safetensors'],
  ] as const)('gives way: %s', async (format, model, before, after) => {
    const encoder = () => fakeEncoder(undefined, { channels: model === 'sdxl' ? 4 : 16 });
    await write('a.txt', 'x');
    await drawImage(inside('a.png'), 300, 300);
    await build(folder(), { format, model }, encoder());
    expect(await caches()).toEqual([before]);
    await drawImage(inside('a.png'), 200, 300);
    await build(folder(), { format, model }, encoder());
    expect(await caches()).toEqual([after]);
  });
});

describe('pixels of the user’s own choice', () => {
  it('are another recipe for all trainers, and encoded again', async () => {
    const background = { r: 255, g: 0, b: 0, alpha: 0 };
    await sharp({ create: { width: 128, height: 128, channels: 4, background } }).toFile(inside('a.png'));
    const options = { format: ['sd-scripts', 'ai-toolkit', 'safetensors'], resolution: 128 } as const;
    await build(folder(), options);
    const encoder = fakeEncoder();
    const { summary } = await build(folder(), { ...options, alphaBackground: '#0000ff' }, encoder);
    expect(summary).toMatchObject({ encoded: 3, decoded: 1 });
    expect([...encoder.batches[0]!.images[0]!.slice(0, 3)]).toEqual([0, 0, 255]);
  });

  it('turn an image upright for each trainer alike', async () => {
    const image = sharp({ create: { width: 128, height: 256, channels: 3, background: '#406080' } });
    await writeFile(inside('a.jpg'), await image.withMetadata({ orientation: 6 }).jpeg().toBuffer());
    const encoder = fakeEncoder();
    const formats = { format: ['sd-scripts', 'ai-toolkit'], enableBucket: true, minBucketReso: 64 } as const;
    await build(folder(), { ...formats, resolution: 192, autoOrient: true }, encoder);
    expect(encoder.batches.every(({ width, height }) => width > height)).toBe(true);
    expect(await caches()).toContain('a_0256x0128_sdxl.npz');
  });
});

describe('what no cache can serve', () => {
  it.each(['random_crop', 'color_aug'])('%s is refused, with its place', async (key) => {
    await draw({ 'photos/a.png': [128, 128] });
    const datasetConfig = await write('data.toml', dataset('128', subset('photos', `${key} = true`)));
    await expect(run({ datasetConfig })).rejects.toMatchObject({
      code: 'ERR_DATASET_CONFIG',
      message: expect.stringContaining(`datasets[0].subsets[0].${key}`),
    });
  });

  it('is told of keys that the trainer does not know', async () => {
    await draw({ 'photos/a.png': [128, 128] });
    const datasetConfig = await write(
      'data.toml',
      dataset('128', subset('photos', 'flip_augmentation = true')),
    );
    const { events } = await run({ datasetConfig });
    const messages = events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(messages.join()).toContain('datasets[0].subsets[0].flip_augmentation');
  });
});

it('an image that only got a new time is not encoded again by any trainer', async () => {
  await drawImage(inside('a.png'), 128, 128);
  const options = { format: ['sd-scripts', 'ai-toolkit', 'safetensors'], resolution: 128 } as const;
  await build(folder(), options);
  const { mtimeMs } = await stat(inside('a.png'));
  await utimes(inside('a.png'), new Date(), new Date(mtimeMs + 5000));
  const { summary } = await build(folder(), options);
  expect(summary).toMatchObject({ encoded: 0, skipped: 3 });
});

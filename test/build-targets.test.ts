/** One run, several caches of each image. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, drawImage, fakeEncoder, namesIn, readNumbers, useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);

describe('several resolutions', () => {
  const resolution = [256, { width: 512, height: 256 }];

  it('go into one file, under keys with their sizes', async () => {
    await drawImage(inside('a.png'), 512, 256);
    await build(folder(), { resolution });
    expect(await namesIn(folder())).toEqual(['a.png', 'a_0512x0256_sdxl.npz']);
    const arrays = await readNumbers(inside('a_0512x0256_sdxl.npz'));
    expect(arrays.latents_32x32!.shape).toEqual([4, 32, 32]);
    expect(arrays.latents_32x64!.shape).toEqual([4, 32, 64]);
    expect(arrays.crop_ltrb_32x64!.values).toEqual([0, 0, 512, 256]);
  });

  it('give the latents of separate runs', async () => {
    await drawImage(inside('a.png'), 512, 256, 70);
    await build(folder(), { resolution, outDir: inside('together') });
    for (const one of resolution) {
      await build(folder(), { resolution: one, multiResolutionKeys: true, outDir: inside('apart') });
    }
    const name = 'a_0512x0256_sdxl.npz';
    expect(await readNumbers(inside(`together/${name}`))).toEqual(await readNumbers(inside(`apart/${name}`)));
  });

  it('come with a word on the versions that do not read such keys', async () => {
    await drawImage(inside('a.png'), 256, 256);
    const several = await build(folder(), { resolution });
    expect(several.notices['trainer-caveat']).toBe(1);
    const one = await build(folder(), { outDir: inside('one') });
    expect(one.notices['trainer-caveat']).toBeUndefined();
  });

  it('decode each image once', async () => {
    for (let i = 0; i < 7; i++) await drawImage(inside(`${i}.png`), 300 + i, 280);
    const { summary } = await build(folder(), { resolution: [256, 128, 192] });
    expect(summary).toMatchObject({ total: 21, encoded: 21, decoded: 7, failed: 0, remaining: 0 });
  });

  it('are encoded one bucket after the other, as far as the memory allows', async () => {
    for (let i = 0; i < 6; i++) await drawImage(inside(`${i}.png`), 300, 280);
    const encoder = fakeEncoder();
    await build(folder(), { resolution: [256, 128], vaeBatchSize: 2 }, encoder);
    expect(encoder.batches.map(({ width, images }) => [width, images.length])).toEqual([
      [256, 2],
      [256, 2],
      [256, 2],
      [128, 2],
      [128, 2],
      [128, 2],
    ]);
  });

  it('end where no pixel memory is left for waiting', async () => {
    for (let i = 0; i < 9; i++) await drawImage(inside(`${i}.png`), 1100, 1000);
    const { summary } = await build(folder(), { resolution: [512, 448, 256], memoryBudget: 2 ** 20 });
    expect(summary).toMatchObject({ encoded: 27, decoded: 9, failed: 0 });
  });

  it('are found again by the next run', async () => {
    await drawImage(inside('a.png'), 300, 280);
    await build(folder(), { resolution: [256, 128] });
    const { summary } = await build(folder(), { resolution: [256, 128] });
    expect(summary).toMatchObject({ total: 2, skipped: 2, encoded: 0, decoded: 0 });
  });

  it('name a broken image once', async () => {
    await drawImage(inside('a.png'), 300, 280);
    await writeFile(inside('b.png'), 'no image');
    const { summary, events } = await build(folder(), { resolution: [256, 128] });
    expect(summary).toMatchObject({ total: 4, encoded: 2, failed: 2, remaining: 0 });
    expect(summary.failures).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'failed')).toHaveLength(1);
  });
});

describe('models with other latents (format note 1.1)', () => {
  it.each([
    ['sd3', 16, 8, 'a_0300x0280_sd3.npz', 'latents_32x32'],
    ['flux', 16, 8, 'a_0300x0280_flux.npz', 'latents_32x32'],
    ['lumina', 16, 8, 'a_0300x0280_lumina.npz', 'latents_32x32'],
    ['hunyuan-image', 64, 32, 'a_0300x0280_hi.npz', 'latents_8x8'],
  ] as const)('%s', async (model, channels, stride, name, key) => {
    await drawImage(inside('a.png'), 300, 280);
    const encoder = fakeEncoder(() => {}, { channels, stride });
    await build(folder(), { model }, encoder);
    expect(await namesIn(folder())).toEqual(['a.png', name]);
    const arrays = await readNumbers(inside(name));
    expect(arrays[key]!.shape).toEqual([channels, 256 / stride, 256 / stride]);
  });

  it('stores FLUX.1 latents as the network takes them: 0.3611 (z − 0.1159)', async () => {
    await drawImage(inside('a.png'), 256, 256, 80);
    await build(
      folder(),
      { model: 'flux' },
      fakeEncoder(() => {}, { channels: 16 }),
    );
    const { latents_32x32 } = await readNumbers(inside('a_0256x0256_flux.npz'));
    expect(latents_32x32!.values[0]).toBe(Math.fround(0.3611 * (80 - 0.1159)));
  });

  it('refuses models that sd-scripts does not train', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await expect(build(folder(), { model: 'z-image' })).rejects.toMatchObject({ code: 'ERR_OPTION' });
  });
});

describe('two data sets whose caches go to one folder', () => {
  it('fail the image whose cache would replace that of another', async () => {
    for (const set of ['one', 'two']) {
      await mkdir(inside(set));
      await drawImage(inside(`${set}/a.png`), 256, 256);
    }
    await drawImage(inside('two/b.png'), 256, 256);
    const dataset = (set: string) =>
      `[[datasets]]\nresolution = 256\n[[datasets.subsets]]\nimage_dir = "${inside(set)}"\n`;
    const datasetConfig = inside('sets.toml');
    await writeFile(datasetConfig, dataset('one') + dataset('two'));
    const options = { inputs: [], datasetConfig, outDir: inside('caches') };
    const { summary, failures } = await build(folder(), options);
    expect(failures).toEqual({ 'a.png': 'ERR_NAME_COLLISION' });
    expect(summary).toMatchObject({ total: 3, encoded: 2, failed: 1 });
  });
});

/** Files and the command line of convert. */
// Expectations: arithmetic by hand, the formats' own specifications, and what `build` makes of the same images.
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, drawImage } from './build-helpers.js';
import { useConverting } from './convert-helpers.js';
import { root } from './docs-blocks.js';
import { run } from './docs-sandbox.js';

const { folder, inside, convert, cached } = useConverting();

describe('convert: files', () => {
  it('refuses caches of an image that has changed', async () => {
    await cached();
    await drawImage(inside('a.png'), 256, 256, 7);
    expect((await convert({ to: 'safetensors' })).refused).toEqual({
      'a_0256x0256_sdxl.npz': 'ERR_CACHE_OUTDATED',
    });
  });

  it('goes on after a file that cannot be read', async () => {
    await cached();
    await writeFile(inside('A.npz'), 'no zip');
    const { summary } = await convert({ to: 'safetensors' });
    expect(summary).toMatchObject({ converted: 1, refusedByCode: { ERR_CACHE_CORRUPT: 1 } });
  });

  it('has nothing to do a second time', async () => {
    await cached();
    await convert({ to: 'safetensors' });
    expect((await convert({ to: 'safetensors' })).summary).toMatchObject({
      converted: 0,
      unchanged: 1,
      refused: 0,
    });
  });

  it('leaves a file of another program, and moves it aside when told', async () => {
    await cached();
    const name = 'a_0256x0256_sdxl.safetensors';
    await writeFile(inside(name), 'mine');
    expect((await convert({ to: 'safetensors' })).refused).toEqual({
      'a_0256x0256_sdxl.npz': 'ERR_CONVERT_EXISTS',
    });
    expect(await readFile(inside(name), 'utf8')).toBe('mine');
    expect((await convert({ to: 'safetensors', force: true })).summary.converted).toBe(1);
    expect(await readFile(inside(`${name}.stale`), 'utf8')).toBe('mine');
  });

  it('does not drop other resolutions of ours', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder(), { format: 'safetensors', resolution: [256, 128] });
    await build(folder());
    expect((await convert({ to: 'safetensors' })).refused).toEqual({
      'a_0256x0256_sdxl.npz': 'ERR_CONVERT_EXISTS',
    });
  });

  it('writes nothing when it only says what it would do', async () => {
    await cached();
    const before = await readdir(folder());
    expect((await convert({ to: 'ai-toolkit', dryRun: true })).summary).toMatchObject({
      converted: 1,
      dryRun: true,
    });
    expect(await readdir(folder())).toEqual(before);
  });

  it('keeps the shape of folders, with images elsewhere', async () => {
    await mkdir(inside('photos/sub'), { recursive: true });
    await drawImage(inside('photos/sub/a.png'), 256, 256);
    const inputs = [inside('photos')];
    await build(folder(), { inputs, recursive: true, outDir: inside('caches') });
    const { outputs } = await convert({
      to: 'ai-toolkit',
      inputs: [inside('caches')],
      imageDir: inside('photos'),
      recursive: true,
    });
    expect(outputs.map(path.dirname)).toEqual([path.join('photos', 'sub', '_latent_cache')]);
  });

  it('takes two caches for one file only once', async () => {
    await cached();
    await copyFile(inside('a_0256x0256_sdxl.npz'), inside('a.npz'));
    expect((await convert({ to: 'safetensors' })).summary).toMatchObject({
      converted: 1,
      refusedByCode: { ERR_NAME_COLLISION: 1 },
    });
  });

  it('refuses options that would do nothing', async () => {
    await cached();
    await expect(convert({ to: 'musubi', from: 'musubi', legacyName: true })).rejects.toMatchObject({
      code: 'ERR_OPTION',
    });
    await expect(convert({ to: 'sd-scripts', dtype: 'bfloat16' })).rejects.toMatchObject({
      code: 'ERR_OPTION',
    });
    await expect(convert({ to: 'musubi', model: 'sdxl' })).rejects.toMatchObject({ code: 'ERR_OPTION' });
  });
});

describe('latent-cache convert', () => {
  const command = (words: string) => run(`node ${root}/bin/latent-cache.cjs convert ${words}`, folder());

  it('ends with 0 when all was done, with 2 when some were refused, with 1 without caches', async () => {
    expect((await command('. --to safetensors')).code).toBe(1);
    await cached();
    expect((await command('. --to safetensors')).code).toBe(0);
    await drawImage(inside('a.png'), 256, 256, 7);
    const { code, output } = await command('. --to safetensors');
    expect(code).toBe(2);
    expect(output).toContain('[ERR_CACHE_OUTDATED]');
  });
});

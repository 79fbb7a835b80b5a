/** What convert refuses, and what it carries along. */
// Expectations: arithmetic by hand, the formats' own specifications, and what `build` makes of the same images.
import { copyFile, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { inspectCache } from '#dist/index.js';
import { build, drawImage, fakeEncoder, namesIn, readNumbers } from './build-helpers.js';
import { ramp, useConverting, wide } from './convert-helpers.js';
import { writeTensorFile } from './tensor-file-helpers.js';

const { folder, inside, tensorsIn, convert, writeForeign, cached } = useConverting();

describe('convert: other models', () => {
  it('never takes SD latents for SDXL, by their record', async () => {
    await cached({ model: 'sd' });
    const { refused } = await convert({ to: 'safetensors', model: 'sdxl' });
    expect(refused).toEqual({ 'a_0256x0256_sd.npz': 'ERR_CONVERT_MODEL' });
  });

  it('never takes SD latents for SDXL, by their name', async () => {
    await writeForeign('a_0032x0016_sd.npz', ramp(32));
    const { refused } = await convert({ to: 'safetensors', model: 'sdxl' });
    expect(refused).toEqual({ 'a_0032x0016_sd.npz': 'ERR_CONVERT_MODEL' });
  });

  it('never takes a renamed cache for what its record denies', async () => {
    await cached({ model: 'sd' });
    await copyFile(inside('a_0256x0256_sd.npz'), inside('a_0256x0256_sdxl.npz'));
    const { refused } = await convert({ to: 'safetensors', model: 'sdxl' });
    expect(refused['a_0256x0256_sdxl.npz']).toBe('ERR_CONVERT_MODEL');
  });

  it('asks where nothing tells SD and SDXL apart, and believes the answer', async () => {
    await writeForeign('a.npz', ramp(32));
    expect((await convert({ to: 'safetensors' })).refused).toEqual({ 'a.npz': 'ERR_CONVERT_MODEL' });
    const { outputs } = await convert({ to: 'safetensors', model: 'sdxl' });
    expect(outputs).toEqual(['a_0032x0016_sdxl.safetensors']);
  });

  it.each([
    ['flux', 'lumina', 'a_0256x0256_lumina.npz'],
    ['lumina', 'chroma', 'a_0256x0256_flux.npz'],
  ] as const)('%s latents are those of %s', async (from, to, name) => {
    await cached({ model: from }, 16);
    const { outputs } = await convert({ to: 'sd-scripts', from: 'sd-scripts', model: to });
    expect(outputs).toEqual([name]);
    expect((await inspectCache(inside(name))).model).toEqual({ candidates: [to], by: 'record' });
  });

  it.each([
    ['sd3', 'flux'],
    ['flux', 'anima'],
  ] as const)('%s latents are not those of %s', async (from, to) => {
    await cached({ model: from }, 16);
    const { refused } = await convert({ to: 'safetensors', model: to });
    expect(Object.values(refused)).toEqual(['ERR_CONVERT_MODEL']);
  });

  it('FLUX.2’s models need the VAE as a proof', async () => {
    await writeTensorFile(inside('a_0032x0032_f2d.safetensors'), {
      latents_2x2_float32: { dtype: 'F32', shape: [128, 2, 2] },
    });
    const { refused } = await convert({ to: 'musubi', from: 'musubi', model: 'flux2-klein-4b' });
    expect(Object.values(refused)).toEqual(['ERR_CONVERT_MODEL']);
  });
});

describe('convert: geometry', () => {
  it('refuses the bucket that the other trainer does not use', async () => {
    await drawImage(inside('a.png'), 300, 200);
    await build(folder());
    // ai-toolkit has buckets always: 300×200 lies next to 304×192, the square of 256 pixels is of sd-scripts
    const { refused } = await convert({ to: 'ai-toolkit', acceptOtherPixels: true });
    expect(refused).toEqual({ 'a_0300x0200_sdxl.npz': 'ERR_CONVERT_GEOMETRY' });
  });

  it('refuses pixels that the other trainer resamples otherwise, unless told', async () => {
    await drawImage(inside('a.png'), 512, 512);
    await build(folder());
    const { refused } = await convert({ to: 'ai-toolkit' });
    expect(refused).toEqual({ 'a_0512x0512_sdxl.npz': 'ERR_CONVERT_PIXELS' });
    const { outputs, notes } = await convert({ to: 'ai-toolkit', acceptOtherPixels: true });
    expect(notes[0]).toContain('area');
    expect((await tensorsIn(outputs[0]!)).metadata.pixels_of).toBe('sd-scripts');
  });

  it('musubi-tuner scales and resamples as sd-scripts where the bucket is one', async () => {
    await drawImage(inside('a.png'), 512, 400);
    await writeFile(inside('a.txt'), 'caption');
    await build(folder(), { model: 'flux' }, fakeEncoder(undefined, { channels: 16 }));
    const { outputs } = await convert({ to: 'musubi', model: 'z-image' });
    expect(outputs).toEqual(['a_0512x0400_zi.safetensors']);
  });

  it('remembers whose pixels they are through our own format', async () => {
    await drawImage(inside('a.png'), 512, 512);
    await build(folder(), { format: 'ai-toolkit', dtype: 'float32' });
    await convert({ to: 'safetensors' });
    await rm(inside('_latent_cache'), { recursive: true });
    const refused = await convert({ to: 'sd-scripts' });
    expect(refused.refused).toEqual({ 'a_0512x0512_sdxl.safetensors': 'ERR_CONVERT_PIXELS' });
    expect((await convert({ to: 'ai-toolkit' })).summary.converted).toBe(1);
  });

  it('refuses what ai-toolkit would turn upright', async () => {
    const create = { width: 256, height: 256, channels: 3, background: '#345' } as const;
    await sharp({ create }).withMetadata({ orientation: 3 }).jpeg().toFile(inside('a.jpg'));
    await build(folder());
    const { refused } = await convert({ to: 'ai-toolkit' });
    expect(refused).toEqual({ 'a_0256x0256_sdxl.npz': 'ERR_CONVERT_GEOMETRY' });
  });

  it('takes upright latents for ai-toolkit', async () => {
    const create = { width: 256, height: 256, channels: 3, background: '#345' } as const;
    await sharp({ create }).withMetadata({ orientation: 3 }).jpeg().toFile(inside('a.jpg'));
    await build(folder(), { autoOrient: true });
    await convert({ to: 'ai-toolkit' });
    const { summary } = await build(folder(), { format: 'ai-toolkit', dtype: 'float32' });
    expect(summary).toMatchObject({ encoded: 0 });
  });

  it('needs the image for another trainer', async () => {
    await cached();
    await rm(inside('a.png'));
    expect((await convert({ to: 'ai-toolkit' })).refused).toEqual({
      'a_0256x0256_sdxl.npz': 'ERR_IMAGE_MISSING',
    });
    expect((await convert({ to: 'safetensors' })).summary.converted).toBe(1);
  });

  it('converts all resolutions where a file holds several', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder(), { resolution: [256, 128] });
    const { outputs } = await convert({ to: 'safetensors' });
    const { tensors } = await tensorsIn(outputs[0]!);
    expect(
      Object.keys(tensors)
        .filter((name) => name.startsWith('latents'))
        .sort(),
    ).toEqual(['latents_16x16', 'latents_32x32']);
  });

  it('names the resolutions that a trainer cannot hold beside the one that fits', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder(), { resolution: [256, 128] });
    expect((await convert({ to: 'ai-toolkit' })).notes).toEqual([
      'latents of the bucket 128x128 were left out',
    ]);
  });
});

describe('convert: what goes along', () => {
  it('masks come back as they were', async () => {
    const pixels = Buffer.alloc(256 * 256 * 4, 0).map((_, index) => index % 256);
    await sharp(pixels, { raw: { width: 256, height: 256, channels: 4 } })
      .png()
      .toFile(inside('a.png'));
    await build(folder(), { alphaMask: true });
    const { alpha_mask: before } = await readNumbers(inside('a_0256x0256_sdxl.npz'));
    await convert({ to: 'safetensors' });
    await rm(inside('a_0256x0256_sdxl.npz'));
    await convert({ to: 'sd-scripts' });
    expect((await readNumbers(inside('a_0256x0256_sdxl.npz'))).alpha_mask).toEqual(before);
  });

  it('names what the other trainer cannot hold', async () => {
    await cached({ flipAug: true, alphaMask: true });
    const { notes } = await convert({ to: 'ai-toolkit' });
    expect(notes.map((note) => /mirrored|mask/.exec(note)?.[0])).toEqual(['mirrored', 'mask']);
  });

  it('refuses mirrored images of ai-toolkit, and takes the straight ones', async () => {
    await cached({ format: 'ai-toolkit', flipAug: true });
    const { summary } = await convert({ to: 'sd-scripts' });
    expect(summary).toMatchObject({ converted: 1, refusedByCode: { ERR_CONVERT_CONTENT: 1 } });
  });

  it('says that a draw is no mean', async () => {
    await drawImage(inside('a.png'), 32, 16);
    await writeForeign('a_0032x0016_flux.npz', ramp(128), { channels: 16, suffix: '_2x4' });
    const { notes } = await convert({ to: 'musubi', model: 'z-image', ...wide });
    expect(notes).toEqual(['they are a draw; musubi takes the mean of Z-Image latents']);
  });

  it('leaves latents of another program without a record', async () => {
    await writeForeign('a_0032x0016_sdxl.npz', ramp(32));
    const { outputs } = await convert({ to: 'safetensors' });
    const { metadata } = await tensorsIn(outputs[0]!);
    expect(metadata).toMatchObject({ model: 'sdxl', vae: 'unknown', posterior: 'sample' });
    expect(metadata.latent_cache).toBeUndefined();
  });

  it('keeps the old name and other suffixes possible', async () => {
    await cached();
    const again = { to: 'sd-scripts', from: 'sd-scripts', outDir: inside('out') } as const;
    await convert({ ...again, legacyName: true });
    await convert({ ...again, suffix: 'mine', multiResolutionKeys: true });
    expect(await namesIn(inside('out'))).toEqual(['a.npz', 'a_0256x0256_mine.npz']);
    expect(Object.keys(await readNumbers(inside('out/a_0256x0256_mine.npz')))).toContain('latents_32x32');
  });

  it('makes no Kontext cache of musubi-tuner, which needs a control image', async () => {
    await cached({ model: 'flux' }, 16);
    const asked = convert({ to: 'musubi', model: 'flux-kontext' });
    await expect(asked).rejects.toMatchObject({ code: 'ERR_OPTION' });
  });

  it('refuses latents of control images', async () => {
    await writeTensorFile(inside('a_0032x0016_fk.safetensors'), {
      latents_1x2x4_float32: { dtype: 'F32', shape: [16, 2, 4] },
      latents_control_1x2x4_float32: { dtype: 'F32', shape: [16, 2, 4] },
    });
    const { refused } = await convert({ to: 'safetensors' });
    expect(refused).toEqual({ 'a_0032x0016_fk.safetensors': 'ERR_CONVERT_CONTENT' });
  });
});

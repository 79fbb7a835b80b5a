// Expectations: arithmetic by hand, the formats' own specifications, and what `build` makes of the same images.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeNpy } from '#dist/cache/npy.js';
import { writeZip } from '#dist/cache/zip.js';
import {
  type ConvertEvent,
  type ConvertOptions,
  type ConvertSummary,
  convertCaches,
  inspectCache,
} from '#dist/index.js';
import { build, drawImage, fakeEncoder, namesIn, readNumbers, useScratchFolder } from './build-helpers.js';
import { root } from './docs-blocks.js';
import { run } from './docs-sandbox.js';
import { float32, readTensors, writeTensorFile } from './tensor-file-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);
const tensorsIn = async (name: string) => readTensors(await readFile(inside(name)));

interface Converted {
  readonly summary: ConvertSummary;
  readonly outputs: string[];
  /** base name of the source → code */
  readonly refused: Record<string, string>;
  readonly notes: readonly string[];
}

async function convert(options: Partial<ConvertOptions> & Pick<ConvertOptions, 'to'>): Promise<Converted> {
  const events: ConvertEvent[] = [];
  for await (const event of convertCaches({ inputs: [folder()], resolution: 256, ...options }))
    events.push(event);
  const summary = events.pop() as ConvertSummary;
  const outputs = events.flatMap((event) =>
    event.type === 'converted' ? [path.relative(folder(), event.output)] : [],
  );
  const refused = events.flatMap((event) =>
    event.type === 'refused' ? [[path.basename(event.path), event.code] as const] : [],
  );
  const notes = events.flatMap((event) => (event.type === 'converted' ? event.notes : []));
  return { summary, outputs, refused: Object.fromEntries(refused), notes };
}

/** A cache of sd-scripts as another program writes it, of an image of 32×16 pixels. */
async function writeForeign(name: string, values: readonly number[], { channels = 4, suffix = '' } = {}) {
  const members = [
    {
      name: `latents${suffix}.npy`,
      data: encodeNpy('<f4', [channels, 2, 4], Float32Array.from(values)),
      compress: false,
    },
    {
      name: `original_size${suffix}.npy`,
      data: encodeNpy('<i8', [2], BigInt64Array.of(32n, 16n)),
      compress: false,
    },
    {
      name: `crop_ltrb${suffix}.npy`,
      data: encodeNpy('<f8', [4], Float64Array.of(0, 0, 32, 16)),
      compress: false,
    },
  ];
  await writeFile(inside(name), Buffer.concat(await writeZip(members, new Uint8Array())));
}
const wide = { resolution: { width: 32, height: 16 } } as const;
const ramp = (length: number) => Array.from({ length }, (_, index) => Math.fround((index - length / 3) / 7));

/** One image of 256×256 pixels, its cache and no manifest. */
async function cached(options: Parameters<typeof build>[1] = {}, channels = 4) {
  await drawImage(inside('a.png'), 256, 256);
  await build(folder(), options, fakeEncoder(undefined, { channels }));
}

describe('convert: numbers', () => {
  it('scales SDXL latents for ai-toolkit', async () => {
    await drawImage(inside('a.png'), 32, 16);
    await writeForeign('a_0032x0016_sdxl.npz', ramp(32));
    // ai-toolkit has one resolution, an area: 23² is 32·16 and more, so that the bucket is the image
    const { outputs } = await convert({ to: 'ai-toolkit', resolution: 23 });
    const { numbers, tensors } = await tensorsIn(outputs[0]!);
    expect(tensors.latent).toMatchObject({ dtype: 'F32', shape: [4, 2, 4] });
    expect(numbers('latent')).toEqual(ramp(32).map((value) => Math.fround(value * 0.13025)));
  });

  it('gives Z-Image the raw values of FLUX latents', async () => {
    await drawImage(inside('a.png'), 32, 16);
    await writeForeign('a_0032x0016_flux.npz', ramp(128), { channels: 16, suffix: '_2x4' });
    const { outputs } = await convert({ to: 'musubi', model: 'z-image', ...wide });
    expect(outputs).toEqual(['a_0032x0016_zi.safetensors']);
    const { numbers, tensors } = await tensorsIn(outputs[0]!);
    expect(tensors.latents_1x2x4_float32).toMatchObject({ dtype: 'F32', shape: [16, 2, 4] });
    const raw = ramp(128).map((value) => Math.fround(value / 0.3611 + 0.1159));
    expect(numbers('latents_1x2x4_float32')).toEqual(raw);
  });

  it('leaves Anima latents as they are for Qwen-Image, with an axis of one frame', async () => {
    await drawImage(inside('a.png'), 32, 16);
    await writeForeign('a_0032x0016_anima.npz', ramp(128), { channels: 16, suffix: '_2x4' });
    const { outputs, notes } = await convert({ to: 'musubi', model: 'qwen-image', ...wide });
    expect(outputs).toEqual(['a_0032x0016_qi.safetensors']);
    const { numbers, tensors } = await tensorsIn(outputs[0]!);
    expect(tensors.latents_1x2x4_float32?.shape).toEqual([16, 1, 2, 4]);
    expect(numbers('latents_1x2x4_float32')).toEqual(ramp(128));
    expect(notes).toEqual([]);
  });

  it('takes FLUX.2’s statistics from our own format', async () => {
    await drawImage(inside('a.png'), 32, 32);
    const raw = ramp(32 * 16);
    const statistics = {
      kind: 'patches',
      mean: Array.from({ length: 128 }, (_, channel) => channel / 64),
      variance: Array.from({ length: 128 }, (_, channel) => channel + 1),
      epsilon: 1e-4,
    };
    await writeTensorFile(
      inside('a_0032x0032_flux2.safetensors'),
      {
        latents_4x4: { dtype: 'F32', shape: [32, 4, 4], data: float32(...raw) },
        original_size_4x4: {
          dtype: 'I64',
          shape: [2],
          data: new Uint8Array(BigInt64Array.of(32n, 32n).buffer),
        },
        crop_ltrb_4x4: { dtype: 'F64', shape: [4] },
      },
      {
        format: 'latent-cache',
        format_version: '1',
        model: 'flux2',
        values: 'raw',
        posterior: 'mean',
        normalisation: JSON.stringify(statistics),
        geometry_4x4: JSON.stringify({
          original: [32, 32],
          resized: [32, 32],
          crop: [0, 0],
          bucket: [32, 32],
        }),
      },
    );
    const { outputs } = await convert({ to: 'musubi', resolution: 32 });
    const { numbers, tensors } = await tensorsIn(outputs[0]!);
    expect(tensors.latents_2x2_float32?.shape).toEqual([128, 2, 2]);
    // channel 5 of the patches: channel 1, row 0, column 1 of each 2×2; raw is (32, 4, 4)
    const fifth = numbers('latents_2x2_float32').slice(5 * 4, 6 * 4);
    const [mean, deviation] = [Math.fround(5 / 64), Math.sqrt(6 + 1e-4)];
    const at = (y: number, x: number) => Math.fround((raw[16 + 4 * y + x]! - mean) / deviation);
    expect(fifth).toEqual([at(0, 1), at(0, 3), at(2, 1), at(2, 3)]);
  });

  it('says that FLUX.2’s statistics are missing', async () => {
    const tensors = { latents_2x2_float32: { dtype: 'F32', shape: [128, 2, 2] } } as const;
    await writeTensorFile(inside('a_0032x0032_f2d.safetensors'), tensors);
    const { refused } = await convert({ to: 'safetensors' });
    expect(refused).toEqual({ 'a_0032x0032_f2d.safetensors': 'ERR_CONVERT_CONTENT' });
  });

  it('widens bfloat16 for npz, exactly', async () => {
    await cached({ format: 'safetensors', dtype: 'bfloat16' });
    const made = await tensorsIn('a_0256x0256_sdxl.safetensors');
    const words = new Uint16Array(Uint8Array.from(made.bytes('latents_32x32')).buffer);
    const values = [...new Float32Array(Uint32Array.from(words, (word) => word << 16).buffer)];
    await convert({ to: 'sd-scripts' });
    expect((await readNumbers(inside('a_0256x0256_sdxl.npz'))).latents!.values).toEqual(values);
  });

  it('rounds only when asked', async () => {
    await cached();
    await convert({ to: 'safetensors' });
    expect((await tensorsIn('a_0256x0256_sdxl.safetensors')).tensors.latents_32x32!.dtype).toBe('F32');
    await convert({ to: 'safetensors', dtype: 'float16' });
    expect((await tensorsIn('a_0256x0256_sdxl.safetensors')).tensors.latents_32x32!.dtype).toBe('F16');
  });

  it('writes no values that no latent has', async () => {
    await writeForeign('a_0032x0016_sdxl.npz', [...ramp(31), Number.NaN]);
    expect((await convert({ to: 'safetensors' })).refused).toEqual({
      'a_0032x0016_sdxl.npz': 'ERR_NON_FINITE',
    });
  });

  it('there and back is the same within one rounding', async () => {
    await drawImage(inside('a.png'), 32, 16);
    const latents = fc.array(fc.float({ min: -40, max: 40, noNaN: true }), { minLength: 32, maxLength: 32 });
    await fc.assert(
      fc.asyncProperty(latents, async (values) => {
        for (const name of await namesIn(folder()))
          if (name !== 'a.png') await rm(inside(name), { recursive: true });
        await writeForeign('a_0032x0016_sdxl.npz', values);
        const [there] = (await convert({ to: 'ai-toolkit', resolution: 23 })).outputs;
        await convert({ to: 'sd-scripts', inputs: [inside(there!)], outDir: inside('back'), ...wide });
        const back = (await readNumbers(inside('back/a_0032x0016_sdxl.npz'))).latents!.values;
        for (const [index, value] of values.entries()) {
          // one rounding each way: half of a unit in the last place of 24 bits, and as much again
          const unit = Math.max(Math.abs(value) * 2 ** -23, 2 ** -149 / 0.13025);
          expect(Math.abs(back[index]! - value)).toBeLessThanOrEqual(unit);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('convert: what build makes of it', () => {
  const pairs = [
    ['sd-scripts', 'safetensors', 'sdxl', 4],
    ['safetensors', 'sd-scripts', 'sdxl', 4],
    ['sd-scripts', 'ai-toolkit', 'sdxl', 4],
    ['safetensors', 'musubi', 'z-image', 16],
    ['musubi', 'safetensors', 'z-image', 16],
    ['ai-toolkit', 'sd-scripts', 'flux', 16],
  ] as const;

  it.each(pairs)('%s → %s is complete for it', async (from, to, model, channels) => {
    await writeFile(inside('a.txt'), 'caption');
    const dtype = 'float32';
    await cached({ model, format: from, dtype }, channels);
    await convert({ to });
    const { summary } = await build(
      folder(),
      { model, format: to, dtype },
      fakeEncoder(undefined, { channels }),
    );
    expect(summary).toMatchObject({ encoded: 0, skipped: 1 });
  });

  it('raw values give the file that build would write, to the byte', async () => {
    await cached({ flipAug: true, alphaMask: true });
    const { outputs } = await convert({ to: 'safetensors' });
    const converted = await readFile(inside(outputs[0]!));
    await rm(inside(outputs[0]!));
    await build(folder(), { format: 'safetensors', flipAug: true, alphaMask: true });
    expect(converted).toEqual(await readFile(inside(outputs[0]!)));
  });

  it('normalised values too', async () => {
    await cached({ model: 'flux', format: 'safetensors' }, 16);
    const { outputs } = await convert({ to: 'sd-scripts' });
    const converted = await readFile(inside(outputs[0]!));
    await rm(inside(outputs[0]!));
    await build(folder(), { model: 'flux' }, fakeEncoder(undefined, { channels: 16 }));
    expect(converted).toEqual(await readFile(inside(outputs[0]!)));
  });

  it('half precision in a wider type is not what build makes', async () => {
    await cached({ dtype: 'float16' });
    await convert({ to: 'safetensors', dtype: 'float32' });
    const { summary } = await build(folder(), { format: 'safetensors' });
    expect(summary).toMatchObject({ encoded: 1 });
  });

  it('pixels of another trainer are not what build makes', async () => {
    await drawImage(inside('a.png'), 512, 512);
    await build(folder());
    const { summary } = await convert({ to: 'ai-toolkit', acceptOtherPixels: true });
    expect(summary.converted).toBe(1);
    const rebuilt = await build(folder(), { format: 'ai-toolkit', dtype: 'float32' });
    expect(rebuilt.summary).toMatchObject({ encoded: 1 });
  });
});

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

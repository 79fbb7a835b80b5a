// Expectations: arithmetic by hand, the formats' own specifications, and what `build` makes of the same images.
import { readFile, rm, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { build, drawImage, fakeEncoder, namesIn, readNumbers } from './build-helpers.js';
import { ramp, useConverting, wide } from './convert-helpers.js';
import { float32, writeTensorFile } from './tensor-file-helpers.js';

const { folder, inside, tensorsIn, convert, writeForeign, cached } = useConverting();

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

/** Which model a VAE belongs to, and what of it is read for that. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelId } from '#dist/model/catalog.js';
import { recogniseModel } from '#dist/model/examine.js';
import { loadVae } from '#dist/model/load-vae.js';
import type { Dtype } from '#dist/model/safetensors/dtypes.js';
import { openSafetensors } from '#dist/model/safetensors/reader.js';
import { writeSafetensors } from '#dist/model/safetensors/writer.js';
import { type SeededVaeOptions, writeSeededVae } from '#dist/model/seeded-vae.js';
import { scratchFolder } from './encoder-helpers.js';

const scratch = scratchFolder();
let files = 0;

const REDUCED = {
  sd: { widths: [32, 32, 32, 32], blocksPerLevel: 1 },
  kl16: { widths: [32, 32, 32, 32], blocksPerLevel: 1 },
  flux2: { widths: [32, 32, 32, 32], blocksPerLevel: 1 },
  'hunyuan-image': { widths: [32, 32, 32, 64, 64, 128], blocksPerLevel: 1 },
  'qwen-image': { widths: [32, 32, 64, 64], blocksPerLevel: 1 },
  tiny: { widths: [32, 32, 32, 32] },
} as const;

async function seeded(vae: keyof typeof REDUCED, options: Partial<SeededVaeOptions> = {}): Promise<string> {
  const file = scratch(`${files++}.safetensors`);
  await writeSeededVae(file, { seed: 4, vae, ...REDUCED[vae], ...options });
  return file;
}

type Entry = { name: string; shape: readonly number[]; dtype: Dtype; bytes: () => Uint8Array };

async function changed(
  source: string,
  change: (entries: Entry[]) => Entry[],
  metadata: Record<string, string> = {},
): Promise<string> {
  const file = await openSafetensors(source);
  const entries: Entry[] = [];
  for (const [name, { shape }] of file.tensors) {
    const values = await file.readFloat32(name);
    entries.push({ name, shape, dtype: 'F32', bytes: () => new Uint8Array(values.buffer) });
  }
  await file.close();
  const target = scratch(`${files++}.safetensors`);
  await writeSafetensors(target, change(entries), metadata);
  return target;
}

function zeros(name: string, shape: readonly number[]): Entry {
  return { name, shape, dtype: 'F32', bytes: () => new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)) };
}

const refusal = (file: string, model?: ModelId) =>
  loadVae(file, model === undefined ? {} : { model }).then(
    () => undefined,
    (thrown: unknown) => thrown as { code: string; message: string; remedy: string },
  );

describe('a VAE on its own', () => {
  for (const [vae, candidates] of [
    ['sd', ['sd', 'sdxl']],
    ['kl16', ['sd3', 'flux', 'chroma', 'lumina', 'z-image', 'flux-kontext']],
    ['flux2', ['flux2', 'flux2-klein-4b', 'flux2-klein-9b']],
    ['qwen-image', ['qwen-image', 'anima', 'krea2']],
    ['tiny', ['sd', 'sdxl']],
  ] as const) {
    it(`like ${vae} may be of ${candidates.join(', ')}`, async () => {
      expect(await recogniseModel(await seeded(vae))).toEqual({ candidates });
    });
  }

  it('like HunyuanImage-2.1 is of that model', async () => {
    expect(await recogniseModel(await seeded('hunyuan-image'))).toEqual({
      model: 'hunyuan-image',
      by: 'the shapes of its tensors',
    });
  });

  it('is loaded without a model where there is only one', async () => {
    expect((await loadVae(await seeded('hunyuan-image'))).model).toBe('hunyuan-image');
  });

  it('is refused without a model where there are several, naming them', async () => {
    expect(await refusal(await seeded('sd'))).toMatchObject({
      code: 'ERR_MODEL_AMBIGUOUS',
      message: expect.stringContaining('sd, sdxl'),
      remedy: expect.stringContaining('--model'),
    });
  });

  it('is recognised without reading its weights', async () => {
    const spoilt = await changed(await seeded('hunyuan-image'), (entries) =>
      entries.map((entry) => ({ ...entry, bytes: () => entry.bytes().slice().fill(0xff) })),
    );
    expect(await recogniseModel(spoilt)).toEqual({
      model: 'hunyuan-image',
      by: 'the shapes of its tensors',
    });
    expect(await refusal(spoilt)).toMatchObject({ code: 'ERR_NON_FINITE' });
  });
});

describe('a full checkpoint', () => {
  for (const [vae, model] of [
    ['sd', 'sd'],
    ['sd', 'sdxl'],
    ['kl16', 'sd3'],
    ['kl16', 'chroma'],
    ['kl16', 'lumina'],
    ['kl16', 'z-image'],
    ['flux2', 'flux2'],
  ] as const) {
    it(`of ${model} says so`, async () => {
      expect(await recogniseModel(await seeded(vae, { layout: 'checkpoint', model }))).toMatchObject({
        model,
        by: expect.stringMatching(/model\.diffusion_model\.|conditioner\./),
      });
    });
  }

  it('of FLUX.1 leaves Kontext open, which has the same tensors', async () => {
    const file = await seeded('kl16', { layout: 'checkpoint', model: 'flux' });
    expect(await recogniseModel(file)).toEqual({ candidates: ['flux', 'flux-kontext'] });
  });

  it('is refused for another model with the same VAE', async () => {
    const file = await seeded('kl16', { layout: 'checkpoint', model: 'sd3' });
    expect(await refusal(file, 'flux')).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('an SD3 checkpoint'),
    });
  });

  it('is refused when its VAE is of another model', async () => {
    const file = await seeded('sd', { layout: 'checkpoint', model: 'flux' });
    expect(await refusal(file)).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('a FLUX.1 checkpoint'),
    });
  });
});

describe('config.json of a diffusers folder', () => {
  async function folderWith(vae: keyof typeof REDUCED, config: object): Promise<string> {
    const folder = scratch(`folder-${files++}`);
    await mkdir(folder);
    await writeFile(path.join(folder, 'config.json'), JSON.stringify(config));
    const file = path.join(folder, 'diffusion_pytorch_model.safetensors');
    await writeSeededVae(file, { seed: 4, vae, ...REDUCED[vae] });
    return folder;
  }

  for (const [vae, scaling, models] of [
    ['sd', 0.18215, { model: 'sd', by: 'scaling_factor 0.18215 in config.json' }],
    ['sd', 0.13025, { model: 'sdxl', by: 'scaling_factor 0.13025 in config.json' }],
    ['kl16', 1.5305, { model: 'sd3', by: 'scaling_factor 1.5305 in config.json' }],
    ['kl16', 0.3611, { candidates: ['flux', 'chroma', 'lumina', 'z-image', 'flux-kontext'] }],
  ] as const) {
    it(`with the scaling factor ${scaling}`, async () => {
      const folder = await folderWith(vae, { _class_name: 'AutoencoderKL', scaling_factor: scaling });
      expect(await recogniseModel(folder)).toEqual(models);
    });
  }

  it('warns of a Wan VAE that is used for Qwen-Image', async () => {
    const folder = await folderWith('qwen-image', { _class_name: 'AutoencoderKLWan' });
    const { warnings } = await loadVae(folder, { model: 'qwen-image' });
    expect(warnings).toEqual([expect.stringContaining('a Wan VAE')]);
  });
});

describe('modelspec.architecture among the metadata', () => {
  // sd-scripts library/sai_model_spec.py, musubi-tuner utils/sai_model_spec.py
  for (const [vae, architecture, models] of [
    ['sd', 'stable-diffusion-v1', { model: 'sd' }],
    ['sd', 'stable-diffusion-xl-v1-base', { model: 'sdxl' }],
    ['kl16', 'stable-diffusion-3-5-large', { model: 'sd3' }],
    ['kl16', 'flux-1-dev', { candidates: ['flux', 'flux-kontext'] }],
    ['flux2', 'Flux.2-klein-9b', { model: 'flux2-klein-9b' }],
    ['qwen-image', 'anima-preview', { model: 'anima' }],
  ] as const) {
    it(architecture, async () => {
      const file = await changed(await seeded(vae), (entries) => entries, {
        'modelspec.architecture': architecture,
      });
      expect(await recogniseModel(file)).toMatchObject(models);
    });
  }

  it('warns when it contradicts the model that was asked for', async () => {
    const file = await changed(await seeded('sd'), (entries) => entries, {
      'modelspec.architecture': 'stable-diffusion-v1',
    });
    expect((await loadVae(file, { model: 'sdxl' })).warnings).toEqual([
      expect.stringContaining('stable-diffusion-v1'),
    ]);
  });
});

describe('statistics of FLUX.2', () => {
  it('come with the weights', async () => {
    const { patchStatistics } = await loadVae(await seeded('flux2'), { model: 'flux2' });
    expect([patchStatistics?.mean.length, patchStatistics?.variance.length]).toEqual([128, 128]);
  });

  it('are asked for by name when they are missing', async () => {
    const file = await changed(await seeded('flux2'), (entries) =>
      entries.filter(({ name }) => name !== 'bn.running_var'),
    );
    expect(await refusal(file, 'flux2')).toMatchObject({
      code: 'ERR_MODEL_KEY',
      message: expect.stringContaining('bn.running_var'),
    });
  });

  it('count in the fingerprint', async () => {
    const plain = await seeded('flux2');
    const other = await changed(plain, (entries) =>
      entries.map((entry) => (entry.name === 'bn.running_mean' ? zeros(entry.name, [128]) : entry)),
    );
    const [one, two] = [await loadVae(plain, { model: 'flux2' }), await loadVae(other, { model: 'flux2' })];
    expect(one.fingerprint).not.toBe(two.fingerprint);
  });
});

describe('the VAE of Qwen-Image', () => {
  it('may be stored as the 2-D convs that one frame sees', async () => {
    const plain = await seeded('qwen-image');
    const reduced = await changed(plain, (entries) =>
      entries.map((entry) => {
        const { shape } = entry;
        if (shape.length !== 5 || entry.name.includes('time_conv')) return entry;
        const [outputs, inputs, taps, height, width] = shape as [number, number, number, number, number];
        const all = new Float32Array(entry.bytes().buffer);
        const area = height * width;
        const last = all.filter((_, i) => Math.floor(i / area) % taps === taps - 1);
        return {
          ...entry,
          shape: [outputs, inputs, height, width],
          bytes: () => new Uint8Array(last.buffer),
        };
      }),
    );
    const [one, two] = [
      await loadVae(plain, { model: 'qwen-image' }),
      await loadVae(reduced, { model: 'qwen-image' }),
    ];
    expect(two.fingerprint).toBe(one.fingerprint);
  });
});

describe('a tiny encoder', () => {
  it('comes with a warning', async () => {
    const { warnings } = await loadVae(await seeded('tiny'), { model: 'sd' });
    expect(warnings).toEqual([expect.stringContaining('Do not train')]);
  });

  it('is refused for a model that has none', async () => {
    const file = await seeded('tiny', { latentChannels: 16 });
    expect(await refusal(file, 'qwen-image')).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('TAESD'),
    });
  });

  it('of FLUX.2 is refused by name', async () => {
    const file = await changed(await seeded('tiny', { layout: 'taesd', latentChannels: 32 }), (entries) => [
      ...entries,
      zeros('13.pool.0.weight', [256, 64, 1, 1]),
    ]);
    expect(await refusal(file, 'flux2')).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('taef2'),
    });
  });
});

describe('refusals', () => {
  it('a VAE of another model, saying which', async () => {
    expect(await refusal(await seeded('hunyuan-image'), 'flux2')).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('HunyuanImage-2.1'),
    });
  });

  it('16 latent channels with quant_conv', async () => {
    expect(await refusal(await seeded('sd', { latentChannels: 16 }), 'flux')).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('quant_conv'),
    });
  });

  it('latent channels that no model has', async () => {
    expect(await refusal(await seeded('sd', { latentChannels: 8 }))).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('8 latent channels'),
    });
  });

  it('Wan 2.2 under diffusers names', async () => {
    const file = await changed(await seeded('sd'), (entries) => [
      ...entries,
      zeros('encoder.down_blocks.0.resnets.0.norm1.gamma', [160, 1, 1, 1]),
    ]);
    expect(await refusal(file)).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('Wan 2.2'),
    });
  });

  it('a Wan VAE that takes patches of pixels', async () => {
    const file = await changed(await seeded('qwen-image', { layout: 'wan' }), (entries) =>
      entries.map((entry) =>
        entry.name === 'encoder.conv1.weight' ? zeros(entry.name, [32, 12, 3, 3, 3]) : entry,
      ),
    );
    expect(await refusal(file, 'qwen-image')).toMatchObject({
      code: 'ERR_MODEL_SHAPE',
      message: expect.stringContaining('3 inputs'),
    });
  });
});

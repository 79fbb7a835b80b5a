/** Loading a VAE from every layout, and refusing everything else by name. */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelId } from '#dist/model/catalog.js';
import { loadVae } from '#dist/model/load-vae.js';
import { buildEncoderGraph } from '#dist/model/onnx/encoder-graph.js';
import { encodeModel } from '#dist/model/onnx/schema.js';
import type { Dtype } from '#dist/model/safetensors/dtypes.js';
import { openSafetensors } from '#dist/model/safetensors/reader.js';
import { encodeHeader, type TensorToWrite, writeSafetensors } from '#dist/model/safetensors/writer.js';
import { type SeededVaeOptions, writeSeededVae } from '#dist/model/seeded-vae.js';
import { SMALL, scratchFolder } from './encoder-helpers.js';

const scratch = scratchFolder();
let files = 0;

async function seeded(options: Partial<SeededVaeOptions> = {}): Promise<string> {
  const file = scratch(`${files++}.safetensors`);
  await writeSeededVae(file, { seed: 11, ...SMALL, ...options });
  return file;
}

type Entry = { name: string; shape: readonly number[]; dtype: Dtype; bytes: () => Uint8Array };

/** Copies a file with changed names, shapes or tensors. */
async function changed(source: string, change: (entries: Entry[]) => Entry[]): Promise<string> {
  const file = await openSafetensors(source);
  const entries: Entry[] = [];
  for (const [name, { shape }] of file.tensors) {
    const values = await file.readFloat32(name);
    entries.push({ name, shape, dtype: 'F32', bytes: () => new Uint8Array(values.buffer) });
  }
  await file.close();
  const target = scratch(`${files++}.safetensors`);
  await writeSafetensors(target, change(entries) satisfies TensorToWrite[]);
  return target;
}

function zeros(name: string, shape: readonly number[], dtype: Dtype = 'F32'): Entry {
  const bytes = shape.reduce((a, b) => a * b, dtype === 'F32' ? 4 : 1);
  return { name, shape, dtype, bytes: () => new Uint8Array(bytes) };
}

async function file(entries: Entry[]): Promise<string> {
  const target = scratch(`${files++}.safetensors`);
  await writeSafetensors(target, entries);
  return target;
}

const fingerprintOf = async (file: string) => (await loadVae(file, { model: 'sdxl' })).fingerprint;
const modelOf = async (file: string) =>
  Buffer.from(
    encodeModel(
      buildEncoderGraph(await loadVae(file, { model: 'sdxl' }), {
        type: 'float32',
        size: 'dynamic',
        queryChunks: 8,
      }),
      { external: false },
    ),
  );

describe('layouts of the same weights', () => {
  for (const layout of ['ldm', 'diffusers-old', 'checkpoint'] as const) {
    it(`${layout} gives the fingerprint of diffusers`, async () => {
      expect(await fingerprintOf(await seeded({ layout }))).toBe(await fingerprintOf(await seeded()));
    });

    it(`${layout} gives the model bytes of diffusers`, async () => {
      expect((await modelOf(await seeded({ layout }))).equals(await modelOf(await seeded()))).toBe(true);
    });
  }

  it('are told apart', async () => {
    const layouts = ['ldm', 'diffusers', 'diffusers-old', 'checkpoint'] as const;
    const found = await Promise.all(
      layouts.map(async (layout) => {
        const { sourceLayout, sourcePrefix } = await loadVae(await seeded({ layout }), { model: 'sdxl' });
        return [sourceLayout, sourcePrefix];
      }),
    );
    expect(found).toEqual([
      ['ldm', ''],
      ['diffusers', ''],
      ['diffusers-old', ''],
      ['ldm', 'first_stage_model.'],
    ]);
  });

  for (const dtype of ['F16', 'BF16'] as const) {
    it(`${dtype} equals its own expansion to F32`, async () => {
      const narrow = await seeded({ dtype });
      const wide = await changed(narrow, (entries) => entries);
      expect((await modelOf(narrow)).equals(await modelOf(wide))).toBe(true);
    });
  }

  for (const [dimensions, shape] of [
    [2, [64, 64]],
    [3, [64, 64, 1]],
    [4, [64, 64, 1, 1]],
  ] as const) {
    it(`attention weights may have ${dimensions} dimensions`, async () => {
      const reshaped = await changed(await seeded(), (entries) =>
        entries.map((entry) => (/attentions.*to_.*weight$/.test(entry.name) ? { ...entry, shape } : entry)),
      );
      expect(await fingerprintOf(reshaped)).toBe(await fingerprintOf(await seeded()));
    });
  }

  for (const prefix of ['vae.', 'module.', 'model.first_stage_model.']) {
    it(`are found behind the prefix ${prefix}`, async () => {
      const wrapped = await changed(await seeded({ layout: 'ldm' }), (entries) =>
        entries.map((entry) => ({ ...entry, name: prefix + entry.name })),
      );
      expect(await fingerprintOf(wrapped)).toBe(await fingerprintOf(await seeded()));
    });
  }

  it('prefer first_stage_model over an averaged copy', async () => {
    const checkpoint = await seeded({ layout: 'checkpoint' });
    const both = await changed(checkpoint, (entries) => [
      ...entries,
      ...entries
        .filter(({ name }) => name.includes('encoder'))
        .map(({ name, shape }) => zeros(`ema.${name}`, shape)),
    ]);
    expect(await fingerprintOf(both)).toBe(await fingerprintOf(checkpoint));
  });

  it('are refused when there are two and no rule to choose', async () => {
    const doubled = await changed(await seeded({ layout: 'ldm' }), (entries) =>
      ['one.', 'two.'].flatMap((prefix) => entries.map((entry) => ({ ...entry, name: prefix + entry.name }))),
    );
    await expect(loadVae(doubled, { model: 'sdxl' })).rejects.toMatchObject({
      code: 'ERR_MODEL_KEY',
      message: expect.stringContaining('"two."'),
    });
  });

  it('may be a diffusers folder', async () => {
    const folder = scratch('model');
    await mkdir(path.join(folder, 'vae'), { recursive: true });
    await writeSeededVae(path.join(folder, 'vae', 'diffusion_pytorch_model.safetensors'), {
      seed: 11,
      ...SMALL,
    });
    expect(await fingerprintOf(folder)).toBe(await fingerprintOf(await seeded()));
  });

  it('differ in the fingerprint when one value differs', async () => {
    const other = await changed(await seeded(), (entries) =>
      entries.map((entry) => {
        if (entry.name !== 'quant_conv.bias') return entry;
        const bytes = entry.bytes().slice();
        bytes[0]! ^= 1;
        return { ...entry, bytes: () => bytes };
      }),
    );
    expect(await fingerprintOf(other)).not.toBe(await fingerprintOf(await seeded()));
  });
});

describe('a large checkpoint', () => {
  it('is read at the header and the encoder only', async () => {
    const vae = await readFile(await seeded({ layout: 'checkpoint' }));
    const headerEnd = 8 + Number(vae.readBigUInt64LE());
    const decoder = 6 * 2 ** 30;
    // six gigabytes of another tensor in front of the VAE, as a hole in the file
    const entries = Object.entries(
      JSON.parse(vae.toString('utf8', 8, headerEnd)) as Record<string, { dtype: Dtype; shape: number[] }>,
    );
    const tensors = entries
      .filter(([name]) => name !== '__metadata__')
      .map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
    const header = encodeHeader([{ name: 'model.large', dtype: 'U8', shape: [decoder] }, ...tensors]);
    const large = scratch('large.safetensors');
    const handle = await open(large, 'w');
    await handle.write(header, 0, header.length, 0);
    await handle.write(vae, headerEnd, vae.length - headerEnd, header.length + decoder);
    await handle.close();

    const readSoFar = async () => Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))![1]);
    const before = await readSoFar();
    await loadVae(large, { model: 'sdxl' });
    expect((await readSoFar()) - before).toBeLessThan(vae.length + 1_000_000);
  });
});

describe('architecture', () => {
  it('has the tensors and parameters of the SDXL encoder at full size', async () => {
    // vae-architectures.md, table 0: 34,163,664 parameters in 108 tensors
    const full = scratch('full.safetensors');
    await writeSeededVae(full, { seed: 1 });
    const { tensors } = await loadVae(full, { model: 'sdxl' });
    const parameters = [...tensors.values()].reduce((sum, values) => sum + values.length, 0);
    expect([tensors.size, parameters]).toEqual([108, 34_163_664]);
  });

  it('follows the shapes of a reduced encoder', async () => {
    const { architecture } = await loadVae(await seeded({ widths: [32, 32, 64, 96], blocksPerLevel: 3 }), {
      model: 'sd',
    });
    expect(architecture).toMatchObject({
      widths: [32, 32, 64, 96],
      blocksPerLevel: [3, 3, 3, 3],
      latentChannels: 4,
    });
  });
});

describe('refusals', () => {
  async function refusal(file: string, model: ModelId = 'sdxl') {
    const error: unknown = await loadVae(file, { model }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error as { code: string; message: string; remedy: string; path: string };
  }

  it('an SDXL checkpoint for model sd', async () => {
    const error = await refusal(await seeded({ layout: 'checkpoint', model: 'sdxl' }), 'sd');
    expect(error).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('an SDXL checkpoint'),
    });
  });

  it('an SD1 checkpoint for model sdxl', async () => {
    const error = await refusal(await seeded({ layout: 'checkpoint', model: 'sd' }), 'sdxl');
    expect(error).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('an SD1 checkpoint'),
    });
  });

  for (const [channels, family] of [
    [16, 'SD3 or FLUX.1'],
    [32, 'FLUX.2'],
  ] as const) {
    it(`${channels} latent channels, as ${family}`, async () => {
      const error = await refusal(await seeded({ latentChannels: channels }));
      expect(error).toMatchObject({ code: 'ERR_MODEL_UNKNOWN', message: expect.stringContaining(family) });
    });
  }

  it('a VAE of three levels', async () => {
    const error = await refusal(await seeded({ widths: [32, 64, 64] }));
    expect(error).toMatchObject({ code: 'ERR_MODEL_UNKNOWN', message: expect.stringContaining('stride 4') });
  });

  const others: [what: string, key: string, shape: number[]][] = [
    ['Wan 2.2', 'encoder.downsamples.0.downsamples.0.residual.0.gamma', [160, 1, 1, 1]],
    ['Sana', '4.conv.0.weight', [64, 64, 3, 3]],
    ['tiny decoder', '3.conv.0.weight', [64, 64, 3, 3]],
    ['AutoencoderDC', 'encoder.project_in.conv.weight', [4]],
    ['HunyuanVideo', 'encoder.conv_in.conv.weight', [128, 3, 3, 3, 3]],
    ['Cosmos', 'encoder.conv_in.conv_s.weight', [4]],
    ['LoRA', 'lora_unet_down.lora_up.weight', [4, 4]],
    ['decoder', 'first_stage_model.decoder.conv_in.weight', [4]],
    ['diffusion model', 'model.diffusion_model.input_blocks.0.0.weight', [4]],
  ];
  for (const [what, key, shape] of others) {
    it(`the file of another kind: ${what}`, async () => {
      const error = await refusal(await file([zeros(key, shape)]));
      expect(error).toMatchObject({ code: 'ERR_MODEL_UNKNOWN', message: expect.stringContaining(what) });
    });
  }

  it('a file without any known tensor', async () => {
    const error = await refusal(await file([zeros('latents', [4, 8, 8])]));
    expect(error).toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('found none'),
    });
  });

  it('a missing tensor, by the name that the file would have for it', async () => {
    const name = 'encoder.mid_block.attentions.0.to_k.bias';
    const partial = await changed(await seeded(), (entries) =>
      entries.filter((entry) => entry.name !== name),
    );
    expect(await refusal(partial)).toMatchObject({
      code: 'ERR_MODEL_KEY',
      message: expect.stringContaining(name),
      path: partial,
    });
  });

  it('a VAE without quant_conv', async () => {
    const partial = await changed(await seeded(), (entries) =>
      entries.filter(({ name }) => !name.startsWith('quant_conv')),
    );
    expect(await refusal(partial)).toMatchObject({
      code: 'ERR_MODEL_KEY',
      message: expect.stringContaining('quant_conv.weight'),
    });
  });

  it('shapes that contradict each other', async () => {
    const name = 'encoder.down_blocks.1.resnets.0.conv2.weight';
    const odd = await changed(await seeded(), (entries) =>
      entries.map((entry) => (entry.name === name ? zeros(name, [64, 32, 3, 3]) : entry)),
    );
    expect(await refusal(odd)).toMatchObject({
      code: 'ERR_MODEL_SHAPE',
      message: expect.stringMatching(/\[64,64,3,3\].*resnets\.0\.conv2\.weight.*\[64,32,3,3\]/),
    });
  });

  it('widths that do not divide into 32 groups', async () => {
    expect(await refusal(await seeded({ widths: [48, 64, 64, 64] }))).toMatchObject({
      code: 'ERR_MODEL_SHAPE',
    });
  });

  it('tensors of a dtype that cannot be widened', async () => {
    const name = 'encoder.conv_in.bias';
    const integers = await changed(await seeded(), (entries) =>
      entries.map((entry) => (entry.name === name ? zeros(name, [32], 'I8') : entry)),
    );
    expect(await refusal(integers)).toMatchObject({
      code: 'ERR_MODEL_DTYPE',
      message: expect.stringContaining('I8'),
    });
  });

  it('NaN among the weights', async () => {
    const name = 'encoder.conv_in.bias';
    const spoilt = await changed(await seeded(), (entries) =>
      entries.map((entry) =>
        entry.name === name
          ? { ...entry, bytes: () => new Uint8Array(new Float32Array(32).fill(Number.NaN).buffer) }
          : entry,
      ),
    );
    expect(await refusal(spoilt)).toMatchObject({
      code: 'ERR_NON_FINITE',
      message: expect.stringContaining(name),
    });
  });

  it('when aborted', async () => {
    const vae = await seeded();
    await expect(loadVae(vae, { model: 'sd', signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});

describe('warnings', () => {
  async function withConfig(config: object): Promise<string> {
    const folder = scratch(`config-${files++}`);
    await mkdir(folder);
    await writeFile(path.join(folder, 'config.json'), JSON.stringify(config));
    await writeSeededVae(path.join(folder, 'diffusion_pytorch_model.safetensors'), { seed: 11, ...SMALL });
    return folder;
  }

  it('are empty for a plain VAE', async () => {
    expect((await loadVae(await seeded(), { model: 'sd' })).warnings).toEqual([]);
  });

  it('tell of a config.json that says the other model', async () => {
    const folder = await withConfig({ _class_name: 'AutoencoderKL', scaling_factor: 0.13025 });
    expect((await loadVae(folder, { model: 'sd' })).warnings).toEqual([expect.stringContaining('SDXL')]);
  });

  it('are silent when config.json agrees', async () => {
    const folder = await withConfig({ _class_name: 'AutoencoderKL', scaling_factor: 0.13025 });
    expect((await loadVae(folder, { model: 'sdxl' })).warnings).toEqual([]);
  });

  it('tell of Playground v2.5', async () => {
    const playground = await changed(await seeded({ layout: 'checkpoint' }), (entries) => [
      ...entries,
      zeros('edm_mean', [1, 4, 1, 1]),
      zeros('edm_std', [1, 4, 1, 1]),
    ]);
    expect((await loadVae(playground, { model: 'sdxl' })).warnings).toEqual([
      expect.stringContaining('Playground'),
    ]);
  });

  it('tell of 8-bit weights', async () => {
    const eightBits = await changed(await seeded(), (entries) =>
      entries.map((entry) => zeros(entry.name, entry.shape, 'F8_E4M3')),
    );
    expect((await loadVae(eightBits, { model: 'sdxl' })).warnings).toEqual([
      expect.stringContaining('8 bits'),
    ]);
  });
});

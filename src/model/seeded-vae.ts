/** Writes a VAE encoder with seeded weights as any program would have saved it. */

import { toFloat16Array } from '../float16.js';
import { FULL_SIZE, type VaeArchitecture } from './architecture.js';
import type { ModelId } from './catalog.js';
import { type Layer, type TensorSpec, tensorsOf } from './layers.js';
import { type LayoutOf, nameInLayout, shapeInLayout, thirdOf, type VaeLayout } from './layouts/layouts.js';
import { bfloat16Bits } from './safetensors/dtypes.js';
import { type TensorToWrite, writeSafetensors } from './safetensors/writer.js';
import { seededTensor } from './seeded-values.js';
import { layersOf } from './topology.js';

export interface SeededVaeOptions {
  /** 32-bit integer. The same seed and shapes give the same weights in every layout. */
  readonly seed: number;
  /** Which VAE; 'tiny' is TAESD. Default 'sd'. */
  readonly vae?: keyof typeof FULL_SIZE;
  /** Channels of the levels, multiples of 32; default: full size. */
  readonly widths?: readonly number[];
  /** Default: as at full size. */
  readonly blocksPerLevel?: number;
  /** Default: the VAE's. */
  readonly latentChannels?: number;
  /** 'checkpoint' is a full checkpoint in CompVis names, as far as the loader looks at it. Default 'diffusers'. */
  readonly layout?: VaeLayout | 'checkpoint';
  /** Which model a 'checkpoint' says it is. Default 'sdxl'. */
  readonly model?: ModelId;
  /** Default 'F32'; the others are rounded to nearest. */
  readonly dtype?: 'F32' | 'F16' | 'BF16';
}

/** Models whose checkpoints call the VAE so; the others call it `vae`. */
const FIRST_STAGE: readonly ModelId[] = ['sd', 'sdxl', 'sd3'];

/** Writes the file at `path`; system errors come as they are. */
export async function writeSeededVae(path: string, options: SeededVaeOptions): Promise<void> {
  const { seed, layout = 'diffusers', model = 'sdxl', dtype = 'F32' } = options;
  const isCheckpoint = layout === 'checkpoint';
  const architecture = seededArchitecture(options);
  const names: LayoutOf = { family: architecture.family, layout: isCheckpoint ? 'ldm' : layout };
  const inCheckpoint = FIRST_STAGE.includes(model) ? 'first_stage_model.' : 'vae.';
  const prefix = isCheckpoint ? inCheckpoint : '';
  const layers = layersOf(architecture);
  const tensors = [
    ...tensorsOf(layers).flatMap((spec) => storedTensor(spec, names, architecture, seed)),
    ...besides(options, layers, names, architecture, seed),
  ].map(({ name, shape, values }) => ({
    name: prefix + name,
    dtype,
    shape,
    bytes: () => encode(values(), dtype),
  }));
  const surroundings = isCheckpoint ? [checkpointSign(model), decoderSample(prefix)] : [];
  await writeSafetensors(path, [...surroundings, ...tensors], { format: 'pt', seed: String(seed) });
}

export function seededArchitecture(options: SeededVaeOptions): VaeArchitecture {
  const full: VaeArchitecture = FULL_SIZE[options.vae ?? 'sd'];
  const { widths = full.widths, blocksPerLevel, latentChannels = full.latentChannels } = options;
  return {
    ...full,
    latentChannels,
    widths,
    blocksPerLevel: widths.map((_, level) => blocksPerLevel ?? full.blocksPerLevel[level] ?? 2),
  };
}

interface Stored {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: () => Float32Array;
}

/** None for the second and the third of three tensors that are stored as one. */
function storedTensor(
  spec: TensorSpec,
  names: LayoutOf,
  { blocksPerLevel }: VaeArchitecture,
  seed: number,
): Stored[] {
  const third = thirdOf(spec.name, names.family);
  if (third !== null && third > 0) return [];
  const name = nameInLayout(spec.name, names, blocksPerLevel);
  const shape = shapeInLayout(spec, names);
  if (third === 0) {
    return [{ name, shape, values: () => joined(spec, seed) }];
  }
  if (shape.length === 5 && shape[2] === 3) return [{ name, shape, values: () => withTaps(spec, seed) }];
  const isHalf = shape[0] !== spec.shape[0];
  const values = () => seededTensor(isHalf ? { name: spec.name, shape } : spec, seed);
  return [{ name, shape, values }];
}

/** Query, key and value, given the first. */
function joined({ name, shape }: TensorSpec, seed: number): Float32Array {
  const parts = ['q', 'k', 'v'].map((part) => {
    const own = name.replace(/\.q\.(weight|bias)$/, `.${part}.$1`);
    return seededTensor({ name: own, shape }, seed);
  });
  const values = new Float32Array(3 * parts[0]!.length);
  for (const [at, part] of parts.entries()) values.set(part, at * part.length);
  return values;
}

/** The last tap over time is the 2-D conv; the others, which a single frame never meets, are something else. */
function withTaps(spec: TensorSpec, seed: number): Float32Array {
  const taps = [`${spec.name}.tap0`, `${spec.name}.tap1`, spec.name].map((name) =>
    seededTensor({ name, shape: spec.shape }, seed),
  );
  const pixels = spec.shape[2]! * spec.shape[3]!;
  const values = new Float32Array(3 * taps[0]!.length);
  for (let kernel = 0; kernel < taps[0]!.length / pixels; kernel++) {
    for (const [at, tap] of taps.entries()) {
      const from = kernel * pixels;
      values.set(tap.subarray(from, from + pixels), (3 * kernel + at) * pixels);
    }
  }
  return values;
}

/** What files hold beside the encoder's own tensors: statistics of FLUX.2, convs over time that are never used. */
function besides(
  { vae }: SeededVaeOptions,
  layers: readonly Layer[],
  names: LayoutOf,
  { blocksPerLevel, latentChannels }: VaeArchitecture,
  seed: number,
): Stored[] {
  const seeded = (name: string, shape: readonly number[]): Stored => ({
    name,
    shape,
    values: () => seededTensor({ name, shape }, seed),
  });
  if (vae === 'flux2') {
    return ['bn.running_mean', 'bn.running_var'].map((name) => seeded(name, [4 * latentChannels]));
  }
  if (vae !== 'qwen-image') return [];
  const halvings = layers.filter((layer) => layer.kind === 'downsample').slice(1);
  return halvings.map(({ conv: { name, outputs } }) => {
    const stored = nameInLayout(`${name}.weight`, names, blocksPerLevel);
    return seeded(stored.replace('resample.1', 'time_conv'), [outputs, outputs, 3, 1, 1]);
  });
}

/** One tensor of a text encoder or a diffusion model, by which the loader knows the model. */
const SIGNS: Readonly<Partial<Record<ModelId, readonly [name: string, shape: readonly number[]]>>> = {
  sd: ['model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight', [768]],
  sdxl: ['conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias', [1280]],
  sd3: ['model.diffusion_model.joint_blocks.0.x_block.attn.proj.bias', [1536]],
  flux: ['model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale', [128]],
  chroma: ['model.diffusion_model.distilled_guidance_layer.in_proj.bias', [5120]],
  lumina: ['model.diffusion_model.cap_embedder.0.weight', [2304]],
  'z-image': ['model.diffusion_model.layers.0.adaLN_modulation.0.weight', [15360]],
  flux2: ['model.diffusion_model.single_stream_modulation.lin.weight', [1, 6144]],
};

function checkpointSign(model: ModelId): TensorToWrite {
  const sign = SIGNS[model];
  if (sign === undefined) throw new Error(`no sign of a ${model} checkpoint is known`);
  return zeros(...sign);
}

function decoderSample(prefix: string): TensorToWrite {
  return zeros(`${prefix}decoder.conv_in.bias`, [32]);
}

function zeros(name: string, shape: readonly number[]): TensorToWrite {
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, dtype: 'F32', shape, bytes: () => new Uint8Array(4 * count) };
}

function encode(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const narrow =
    dtype === 'F16' ? toFloat16Array(values) : Uint16Array.from(new Uint32Array(values.buffer), bfloat16Bits);
  return new Uint8Array(narrow.buffer);
}

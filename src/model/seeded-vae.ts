/** Writes a VAE encoder with seeded weights as any program would have saved it. */

import { toFloat16Array } from '../float16.js';
import { GROUP_NORM, LOGVAR_CLAMP, SD_ENCODER, type VaeArchitecture } from './architecture.js';
import type { ModelId } from './catalog.js';
import { type TensorSpec, tensorsOf } from './layers.js';
import { nameInLayout, type VaeLayout } from './layouts.js';
import { bfloat16Bits } from './safetensors/dtypes.js';
import { type TensorToWrite, writeSafetensors } from './safetensors/writer.js';
import { seededTensor } from './seeded-values.js';
import { layersOf } from './topology.js';

export interface SeededVaeOptions {
  /** 32-bit integer. The same seed and shapes give the same weights in every layout. */
  readonly seed: number;
  /** Channels of the levels, multiples of 32; default: full size, 128, 256, 512, 512. */
  readonly widths?: readonly number[];
  /** Default 2. */
  readonly blocksPerLevel?: number;
  /** Default 4. */
  readonly latentChannels?: number;
  /** 'checkpoint' is a full checkpoint in CompVis names, as far as the loader looks at it. Default 'diffusers'. */
  readonly layout?: VaeLayout | 'checkpoint';
  /** Which model a 'checkpoint' says it is. Default 'sdxl'. */
  readonly model?: ModelId;
  /** Default 'F32'; the others are rounded to nearest. */
  readonly dtype?: 'F32' | 'F16' | 'BF16';
}

/** Writes the file at `path`; system errors come as they are. */
export async function writeSeededVae(path: string, options: SeededVaeOptions): Promise<void> {
  const { seed, layout = 'diffusers', model = 'sdxl', dtype = 'F32' } = options;
  const names = layout === 'checkpoint' ? 'ldm' : layout;
  const prefix = layout === 'checkpoint' ? 'first_stage_model.' : '';
  const tensors = tensorsOf(layersOf(seededArchitecture(options))).map((spec) => ({
    name: prefix + nameInLayout(spec.name, names),
    dtype,
    shape: storedShape(spec, names),
    bytes: () => encode(seededTensor(spec, seed), dtype),
  }));
  const surroundings = layout === 'checkpoint' ? [checkpointSign(model), decoderSample(prefix)] : [];
  await writeSafetensors(path, [...surroundings, ...tensors], { format: 'pt', seed: String(seed) });
}

export function seededArchitecture(options: SeededVaeOptions): VaeArchitecture {
  const { widths = SD_ENCODER.widths, blocksPerLevel = 2, latentChannels = 4 } = options;
  return {
    family: 'kl',
    latentChannels,
    widths,
    blocksPerLevel: widths.map(() => blocksPerLevel),
    norm: GROUP_NORM,
    quantConv: true,
    logvarClamp: LOGVAR_CLAMP,
  };
}

/** diffusers has linear layers where CompVis has 1×1 convs in the attention. */
function storedShape({ name, shape }: TensorSpec, layout: VaeLayout): readonly number[] {
  const isMatrix = layout !== 'ldm' && shape.length === 4 && name.includes('.attn_1.');
  return isMatrix ? shape.slice(0, 2) : shape;
}

/** One tensor of the text encoder or the diffusion model, by which the loader knows the model. */
function checkpointSign(model: ModelId): TensorToWrite {
  const [name, size] =
    model === 'sdxl'
      ? ['conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias', 1280]
      : ['model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight', 768];
  return zeros(name as string, [size as number]);
}

function decoderSample(prefix: string): TensorToWrite {
  return zeros(`${prefix}decoder.conv_in.bias`, [32]);
}

function zeros(name: string, shape: readonly number[]): TensorToWrite {
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, dtype: 'F32', shape, bytes: () => new Uint8Array(4 * count) };
}

function encode(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer);
  const narrow =
    dtype === 'F16' ? toFloat16Array(values) : Uint16Array.from(new Uint32Array(values.buffer), bfloat16Bits);
  return new Uint8Array(narrow.buffer);
}

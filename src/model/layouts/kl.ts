/** Names of the KL encoder, where they differ from the canonical ones (CompVis). */
import type { NameTable } from './name-table.js';

/** Black Forest Labs put the last conv of FLUX.2 into the encoder. */
export const KL_BFL: NameTable = { quant_conv: 'encoder.quant_conv' };

const KL_DIFFUSERS_BLOCKS: NameTable = {
  'encoder.down.{i}.block.{j}.nin_shortcut': 'encoder.down_blocks.{i}.resnets.{j}.conv_shortcut',
  'encoder.down.{i}.block.{j}.{part}': 'encoder.down_blocks.{i}.resnets.{j}.{part}',
  'encoder.down.{i}.downsample.conv': 'encoder.down_blocks.{i}.downsamplers.0.conv',
  'encoder.mid.block_1.{part}': 'encoder.mid_block.resnets.0.{part}',
  'encoder.mid.block_2.{part}': 'encoder.mid_block.resnets.1.{part}',
  'encoder.mid.attn_1.norm': 'encoder.mid_block.attentions.0.group_norm',
  'encoder.norm_out': 'encoder.conv_norm_out',
};

export const KL_DIFFUSERS: NameTable = {
  ...KL_DIFFUSERS_BLOCKS,
  'encoder.mid.attn_1.q': 'encoder.mid_block.attentions.0.to_q',
  'encoder.mid.attn_1.k': 'encoder.mid_block.attentions.0.to_k',
  'encoder.mid.attn_1.v': 'encoder.mid_block.attentions.0.to_v',
  'encoder.mid.attn_1.proj_out': 'encoder.mid_block.attentions.0.to_out.0',
};

/** Before diffusers 0.17. */
export const KL_OLD_DIFFUSERS: NameTable = {
  ...KL_DIFFUSERS_BLOCKS,
  'encoder.mid.attn_1.q': 'encoder.mid_block.attentions.0.query',
  'encoder.mid.attn_1.k': 'encoder.mid_block.attentions.0.key',
  'encoder.mid.attn_1.v': 'encoder.mid_block.attentions.0.value',
  'encoder.mid.attn_1.proj_out': 'encoder.mid_block.attentions.0.proj_attn',
};

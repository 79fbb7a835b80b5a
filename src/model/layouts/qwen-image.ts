/** Names of the encoder of Wan 2.1, Qwen-Image and Anima. Query, key and value are thirds of one tensor. */
import type { NameTable } from './name-table.js';

export const QWEN_IMAGE_WAN: NameTable = {
  'encoder.conv_in': 'encoder.conv1',
  'encoder.down.{i}.block.{j}.norm1': 'encoder.downsamples.{n}.residual.0',
  'encoder.down.{i}.block.{j}.conv1': 'encoder.downsamples.{n}.residual.2',
  'encoder.down.{i}.block.{j}.norm2': 'encoder.downsamples.{n}.residual.3',
  'encoder.down.{i}.block.{j}.conv2': 'encoder.downsamples.{n}.residual.6',
  'encoder.down.{i}.block.{j}.nin_shortcut': 'encoder.downsamples.{n}.shortcut',
  'encoder.down.{i}.downsample.conv': 'encoder.downsamples.{n}.resample.1',
  'encoder.mid.block_1.norm1': 'encoder.middle.0.residual.0',
  'encoder.mid.block_1.conv1': 'encoder.middle.0.residual.2',
  'encoder.mid.block_1.norm2': 'encoder.middle.0.residual.3',
  'encoder.mid.block_1.conv2': 'encoder.middle.0.residual.6',
  'encoder.mid.attn_1.norm': 'encoder.middle.1.norm',
  'encoder.mid.attn_1.q': 'encoder.middle.1.to_qkv',
  'encoder.mid.attn_1.k': 'encoder.middle.1.to_qkv',
  'encoder.mid.attn_1.v': 'encoder.middle.1.to_qkv',
  'encoder.mid.attn_1.proj_out': 'encoder.middle.1.proj',
  'encoder.mid.block_2.norm1': 'encoder.middle.2.residual.0',
  'encoder.mid.block_2.conv1': 'encoder.middle.2.residual.2',
  'encoder.mid.block_2.norm2': 'encoder.middle.2.residual.3',
  'encoder.mid.block_2.conv2': 'encoder.middle.2.residual.6',
  'encoder.norm_out': 'encoder.head.0',
  'encoder.conv_out': 'encoder.head.2',
  quant_conv: 'conv1',
};

export const QWEN_IMAGE_DIFFUSERS: NameTable = {
  'encoder.down.{i}.block.{j}.nin_shortcut': 'encoder.down_blocks.{n}.conv_shortcut',
  'encoder.down.{i}.block.{j}.{part}': 'encoder.down_blocks.{n}.{part}',
  'encoder.down.{i}.downsample.conv': 'encoder.down_blocks.{n}.resample.1',
  'encoder.mid.block_1.{part}': 'encoder.mid_block.resnets.0.{part}',
  'encoder.mid.block_2.{part}': 'encoder.mid_block.resnets.1.{part}',
  'encoder.mid.attn_1.norm': 'encoder.mid_block.attentions.0.norm',
  'encoder.mid.attn_1.q': 'encoder.mid_block.attentions.0.to_qkv',
  'encoder.mid.attn_1.k': 'encoder.mid_block.attentions.0.to_qkv',
  'encoder.mid.attn_1.v': 'encoder.mid_block.attentions.0.to_qkv',
  'encoder.mid.attn_1.proj_out': 'encoder.mid_block.attentions.0.proj',
};

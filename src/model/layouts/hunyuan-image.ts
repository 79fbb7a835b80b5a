/** Names of HunyuanImage-2.1's encoder in diffusers; in the original they are the canonical ones. */
import type { NameTable } from './name-table.js';

export const HUNYUAN_IMAGE_DIFFUSERS: NameTable = {
  'encoder.down.{i}.block.{j}.{part}': 'encoder.down_blocks.{n}.{part}',
  'encoder.down.{i}.downsample.conv': 'encoder.down_blocks.{n}.conv',
  'encoder.mid.block_1.{part}': 'encoder.mid_block.resnets.0.{part}',
  'encoder.mid.block_2.{part}': 'encoder.mid_block.resnets.1.{part}',
  'encoder.mid.attn_1.norm': 'encoder.mid_block.attentions.0.norm',
  'encoder.mid.attn_1.q': 'encoder.mid_block.attentions.0.to_q',
  'encoder.mid.attn_1.k': 'encoder.mid_block.attentions.0.to_k',
  'encoder.mid.attn_1.v': 'encoder.mid_block.attentions.0.to_v',
  'encoder.mid.attn_1.proj_out': 'encoder.mid_block.attentions.0.proj',
};

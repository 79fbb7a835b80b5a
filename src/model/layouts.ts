/** The names that one tensor has in the files of different programs. */

export type VaeLayout = 'ldm' | 'diffusers' | 'diffusers-old';

/** The canonical (CompVis) name → its name in `layout`, without a prefix. */
export function nameInLayout(canonical: string, layout: VaeLayout): string {
  if (layout === 'ldm') return canonical;
  const parts = layout === 'diffusers' ? DIFFUSERS_ATTENTION : OLD_DIFFUSERS_ATTENTION;
  return canonical
    .replace(/^encoder\.down\.(\d+)\.block\.(\d+)\./, 'encoder.down_blocks.$1.resnets.$2.')
    .replace(/^encoder\.down\.(\d+)\.downsample\.conv\./, 'encoder.down_blocks.$1.downsamplers.0.conv.')
    .replace(
      /^encoder\.mid\.block_([12])\./,
      (_, number: string) => `encoder.mid_block.resnets.${Number(number) - 1}.`,
    )
    .replace(
      /^encoder\.mid\.attn_1\.(norm|q|k|v|proj_out)\./,
      (_, part: AttentionPart) => `encoder.mid_block.attentions.0.${parts[part]}.`,
    )
    .replace(/^encoder\.norm_out\./, 'encoder.conv_norm_out.')
    .replace(/\.nin_shortcut\.(weight|bias)$/, '.conv_shortcut.$1');
}

type AttentionPart = 'norm' | 'q' | 'k' | 'v' | 'proj_out';

const DIFFUSERS_ATTENTION: Readonly<Record<AttentionPart, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  proj_out: 'to_out.0',
};

/** Before diffusers 0.17. */
const OLD_DIFFUSERS_ATTENTION: Readonly<Record<AttentionPart, string>> = {
  norm: 'group_norm',
  q: 'query',
  k: 'key',
  v: 'value',
  proj_out: 'proj_attn',
};

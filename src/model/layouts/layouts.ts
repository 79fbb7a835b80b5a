/** The names and shapes that one tensor has in the files of different programs. */
import type { VaeFamily } from '../architecture.js';
import type { TensorSpec } from '../layers.js';
import { HUNYUAN_IMAGE_DIFFUSERS } from './hunyuan-image.js';
import { KL_BFL, KL_DIFFUSERS, KL_OLD_DIFFUSERS } from './kl.js';
import { type NameTable, type Renamer, renamer } from './name-table.js';
import { QWEN_IMAGE_DIFFUSERS, QWEN_IMAGE_WAN } from './qwen-image.js';
import { TINY_DIFFUSERS, TINY_TAESD } from './tiny.js';

/** Who names tensors so: 'ldm' is CompVis and all who follow them. */
export type VaeLayout = 'ldm' | 'bfl' | 'diffusers' | 'diffusers-old' | 'wan' | 'taesd';

const TABLES = {
  kl: { ldm: {}, bfl: KL_BFL, diffusers: KL_DIFFUSERS, 'diffusers-old': KL_OLD_DIFFUSERS },
  'hunyuan-image': { ldm: {}, diffusers: HUNYUAN_IMAGE_DIFFUSERS },
  'qwen-image': { wan: QWEN_IMAGE_WAN, diffusers: QWEN_IMAGE_DIFFUSERS },
  tiny: { taesd: TINY_TAESD, diffusers: TINY_DIFFUSERS },
} as const satisfies Record<VaeFamily, Partial<Record<VaeLayout, NameTable>>>;

/** The layouts that a family is found in. */
export function layoutsOf(family: VaeFamily): VaeLayout[] {
  return Object.keys(TABLES[family]) as VaeLayout[];
}

const RENAMERS = new Map<string, Renamer>();

function renamerOf(family: VaeFamily, layout: VaeLayout): Renamer {
  const key = `${family} ${layout}`;
  let rename = RENAMERS.get(key);
  if (rename === undefined) {
    const table = (TABLES[family] as Partial<Record<VaeLayout, NameTable>>)[layout];
    if (table === undefined) throw new Error(`there is no layout ${layout} of ${family}`);
    rename = renamer(table);
    RENAMERS.set(key, rename);
  }
  return rename;
}

/** How the files of one program hold one family. */
export interface LayoutOf {
  readonly family: VaeFamily;
  readonly layout: VaeLayout;
}

/** The canonical (CompVis) name → its name in a layout, without a prefix. */
export function nameInLayout(
  canonical: string,
  { family, layout }: LayoutOf,
  blocksPerLevel: readonly number[],
): string {
  const dot = canonical.lastIndexOf('.');
  const module = canonical.slice(0, dot);
  const part = canonical.slice(dot + 1);
  const isScale = family === 'qwen-image' && part === 'weight' && isNorm(module);
  return `${renamerOf(family, layout)(module, blocksPerLevel)}.${isScale ? 'gamma' : part}`;
}

export function isNorm(module: string): boolean {
  return /\.(norm|norm1|norm2|norm_out)$/.test(module);
}

/** Which third of the stored rows a tensor is; null when it is all of them. */
export function thirdOf(canonical: string, family: VaeFamily): 0 | 1 | 2 | null {
  if (family !== 'qwen-image') return null;
  const part = /^encoder\.mid\.attn_1\.([qkv])\./.exec(canonical)?.[1];
  return part === undefined ? null : ('qkv'.indexOf(part) as 0 | 1 | 2);
}

/**
 * The shape that programs of our day save. Only thirds and the moments of tiny encoders have another first side than
 * the canonical one; the values follow from the shapes by `stored-tensor.ts`.
 */
export function shapeInLayout(spec: TensorSpec, { family, layout }: LayoutOf): readonly number[] {
  const { name } = spec;
  const [first = 1, ...rest] = spec.shape;
  const module = name.slice(0, name.lastIndexOf('.'));
  switch (family) {
    case 'kl': {
      const isMatrix = layout.startsWith('diffusers') && rest.length === 3 && module.includes('.attn_1.');
      return isMatrix ? spec.shape.slice(0, 2) : spec.shape;
    }
    case 'hunyuan-image':
      return spec.shape;
    case 'tiny':
      return module === 'encoder.conv_out' ? [first / 2, ...rest] : spec.shape;
    case 'qwen-image': {
      if (isNorm(module)) return module.includes('.attn_1.') ? [first, 1, 1] : [first, 1, 1, 1];
      const rows = thirdOf(name, family) === null ? first : 3 * first;
      const isFlat = module.includes('.attn_1.') || module.endsWith('.downsample.conv');
      if (rest.length === 0 || isFlat) return [rows, ...rest];
      const [inputs, height, width] = rest as [number, number, number];
      return [rows, inputs, height, height, width];
    }
  }
}

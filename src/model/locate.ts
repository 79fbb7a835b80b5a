/** Finds the encoder among the tensors of a file: which family, where, and under which names. */
import { LatentCacheError } from '../errors.js';
import type { VaeFamily } from './architecture.js';
import { type LayoutOf, nameInLayout, type VaeLayout } from './layouts/layouts.js';
import { nameLookalike, nameOther } from './other-families.js';
import type { TensorInfo } from './safetensors/header.js';

export type Tensors = ReadonlyMap<string, TensorInfo>;

/** Where the encoder's tensors are: `prefix` + the name in the layout. */
export interface VaeLocation extends LayoutOf {
  readonly prefix: string;
}

export function nameInFile(
  canonical: string,
  location: VaeLocation,
  blocksPerLevel: readonly number[],
): string {
  return location.prefix + nameInLayout(canonical, location, blocksPerLevel);
}

interface Anchor extends LayoutOf {
  /** A tensor, by its name in the layout, that no decoder and no other family has. */
  readonly name: string;
  /** TAESD's own names are so short that they mean something only where nothing is in front of them. */
  readonly mayHavePrefix: boolean;
}

function anchor(family: VaeFamily, layout: VaeLayout, tensor: string, mayHavePrefix = true): Anchor {
  const canonical = `encoder.down.0.block.0.${tensor}.weight`;
  return { family, layout, name: nameInLayout(canonical, { family, layout }, []), mayHavePrefix };
}

const ANCHORS: readonly Anchor[] = [
  anchor('kl', 'ldm', 'conv1'),
  anchor('kl', 'diffusers', 'conv1'),
  anchor('hunyuan-image', 'diffusers', 'norm1'),
  anchor('qwen-image', 'wan', 'norm1'),
  anchor('qwen-image', 'diffusers', 'norm1'),
  anchor('tiny', 'taesd', 'conv1', false),
  anchor('tiny', 'diffusers', 'conv1'),
];

/** The usual places, best first; a file may hold a second copy, for instance averaged weights. */
const PREFERRED_PREFIXES = ['first_stage_model.', 'vae.', ''];

/**
 * @throws LatentCacheError ERR_MODEL_UNKNOWN (no encoder that is known; the message names what was recognised) or
 * ERR_MODEL_KEY (several, and no rule to choose).
 */
export function locateEncoder(tensors: Tensors, path: string): VaeLocation {
  const found = findAnchors(tensors);
  const first = found[0];
  const other = first === undefined ? nameOther(tensors) : nameLookalike(tensors);
  if (first === undefined || other !== undefined) {
    const looked = ANCHORS.map(({ name }) => name).join(', ');
    throw new LatentCacheError(
      'ERR_MODEL_UNKNOWN',
      other === undefined
        ? `expected the tensors of a VAE encoder in ${path}, found none (looked for ${looked})`
        : `expected the VAE of an image model in ${path}, recognised ${other}`,
      {
        path,
        remedy: 'Give a VAE file, a diffusers vae folder, or a full checkpoint that contains its VAE.',
      },
    );
  }
  const best = found.length === 1 ? [first] : preferred(found);
  if (best.length !== 1) {
    const places = found.map(({ prefix, layout }) => `${JSON.stringify(prefix)} (${layout})`).join(', ');
    throw new LatentCacheError(
      'ERR_MODEL_KEY',
      `expected one VAE encoder in ${path}, found several: ${places}`,
      {
        path,
        remedy: 'Save the wanted VAE into a file of its own.',
      },
    );
  }
  return withVariant(best[0]!, tensors);
}

function findAnchors(tensors: Tensors): VaeLocation[] {
  return ANCHORS.flatMap(({ name: anchored, mayHavePrefix, family, layout }) =>
    [...tensors.keys()]
      .filter((name) => name === anchored || (mayHavePrefix && name.endsWith(`.${anchored}`)))
      .map((name) => ({ prefix: name.slice(0, -anchored.length), family, layout })),
  );
}

function preferred(found: readonly VaeLocation[]): readonly VaeLocation[] {
  for (const prefix of PREFERRED_PREFIXES) {
    const matches = found.filter((place) => place.prefix === prefix);
    if (matches.length > 0) return matches;
  }
  return found;
}

/** What the anchor leaves open: names that differ in a few tensors, and Hunyuan under CompVis names. */
function withVariant(place: VaeLocation, tensors: Tensors): VaeLocation {
  if (place.family !== 'kl') return place;
  const { prefix, layout } = place;
  const old: VaeLocation = { ...place, layout: 'diffusers-old' };
  if (layout === 'diffusers') {
    return tensors.has(nameInFile('encoder.mid.attn_1.q.weight', old, [])) ? old : place;
  }
  if (tensors.has(`${prefix}encoder.quant_conv.weight`)) return { ...place, layout: 'bfl' };
  // a downsampling conv keeps its channels, Hunyuan's gives a quarter of the next level's
  const shape = tensors.get(`${prefix}encoder.down.0.downsample.conv.weight`)?.shape;
  const isHunyuan = shape !== undefined && shape[0] !== shape[1];
  return isHunyuan ? { ...place, family: 'hunyuan-image' } : place;
}

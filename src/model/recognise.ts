/** Says from the header of a file which encoder it holds, where, and under which names. */
import { LatentCacheError } from '../errors.js';
import { GROUP_NORM, LOGVAR_CLAMP, type VaeArchitecture } from './architecture.js';
import { nameInLayout, type VaeLayout } from './layouts.js';
import { nameOtherFamily } from './other-families.js';
import type { TensorInfo } from './safetensors/header.js';

export type Tensors = ReadonlyMap<string, TensorInfo>;

/** Where the encoder's tensors are: `prefix + nameInLayout(canonical, layout)`. */
export interface VaeLocation {
  readonly prefix: string;
  readonly layout: VaeLayout;
}

export function nameInFile(canonical: string, { prefix, layout }: VaeLocation): string {
  return prefix + nameInLayout(canonical, layout);
}

/** A tensor that every KL encoder has and no decoder has. */
const ANCHOR = 'encoder.down.0.block.0.conv1.weight';

/** The usual places, best first; a file may hold a second copy, for instance averaged weights. */
const PREFERRED_PREFIXES = ['first_stage_model.', 'vae.', ''];

/**
 * @throws LatentCacheError ERR_MODEL_UNKNOWN (no encoder of this kind; the message names what was recognised) or
 * ERR_MODEL_KEY (several, and no rule to choose).
 */
export function locateEncoder(tensors: Tensors, path: string): VaeLocation {
  const found = (['ldm', 'diffusers'] as const).flatMap((layout) => {
    const anchor = nameInLayout(ANCHOR, layout);
    return [...tensors.keys()]
      .filter((name) => name === anchor || name.endsWith(`.${anchor}`))
      .map((name) => ({ prefix: name.slice(0, -anchor.length), layout }));
  });
  const first = found[0];
  if (first === undefined) {
    const other = nameOtherFamily(tensors);
    throw new LatentCacheError(
      'ERR_MODEL_UNKNOWN',
      other === undefined
        ? `expected the tensors of a VAE encoder in ${path}, found none (looked for …${ANCHOR} and …${nameInLayout(ANCHOR, 'diffusers')})`
        : `expected a Stable Diffusion VAE in ${path}, recognised ${other}`,
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
  return withAttentionNames(best[0]!, tensors);
}

function preferred(found: readonly VaeLocation[]): readonly VaeLocation[] {
  for (const prefix of PREFERRED_PREFIXES) {
    const matches = found.filter((place) => place.prefix === prefix);
    if (matches.length > 0) return matches;
  }
  return found;
}

function withAttentionNames({ prefix, layout }: VaeLocation, tensors: Tensors): VaeLocation {
  const old: VaeLocation = { prefix, layout: 'diffusers-old' };
  const isOld = layout === 'diffusers' && tensors.has(nameInFile('encoder.mid.attn_1.q.weight', old));
  return isOld ? old : { prefix, layout };
}

/**
 * Reads widths and depths off the shapes; that every other tensor agrees is checked by the loader.
 *
 * @throws LatentCacheError ERR_MODEL_KEY or ERR_MODEL_SHAPE.
 */
export function readArchitecture(tensors: Tensors, location: VaeLocation, path: string): VaeArchitecture {
  const has = (canonical: string) => tensors.has(nameInFile(canonical, location));
  const outputsOf = (canonical: string): number => {
    const name = nameInFile(canonical, location);
    const shape = tensors.get(name)?.shape;
    if (shape === undefined) throw missingTensors([name], path);
    if (shape.length !== 4) throw badShape(path, name, 'four dimensions', shape);
    return shape[0]!;
  };

  const widths: number[] = [];
  const blocksPerLevel: number[] = [];
  for (let level = 0; has(`encoder.down.${level}.block.0.conv1.weight`); level++) {
    widths.push(outputsOf(`encoder.down.${level}.block.0.conv1.weight`));
    let blocks = 1;
    while (has(`encoder.down.${level}.block.${blocks}.conv1.weight`)) blocks++;
    blocksPerLevel.push(blocks);
  }
  const moments = outputsOf('encoder.conv_out.weight');
  if (moments === 0 || moments % 2 !== 0) {
    const name = nameInFile('encoder.conv_out.weight', location);
    throw badShape(path, name, 'an even number of outputs (mean and log variance)', [moments]);
  }
  return {
    family: 'kl',
    latentChannels: moments / 2,
    widths,
    blocksPerLevel,
    norm: GROUP_NORM,
    quantConv: has('quant_conv.weight'),
    logvarClamp: LOGVAR_CLAMP,
  };
}

/** The error for tensors that should be in a file; `names` are those of the file's own layout. */
export function missingTensors(names: readonly string[], path: string): LatentCacheError {
  const more = names.length > 1 ? ` and ${names.length - 1} more` : '';
  return new LatentCacheError(
    'ERR_MODEL_KEY',
    `expected the tensor ${names[0]}${more} in ${path}, it is missing`,
    {
      path,
      remedy: 'The file holds only a part of a VAE: download it again, or take the VAE from another source.',
    },
  );
}

export function badShape(
  path: string,
  name: string,
  expected: string,
  got: readonly number[],
): LatentCacheError {
  return new LatentCacheError(
    'ERR_MODEL_SHAPE',
    `expected ${expected} for tensor ${name} of ${path}, got [${got.join(',')}]`,
    { path, remedy: 'The file is not the VAE of this model, or it was damaged when it was converted.' },
  );
}

/**
 * SD1/SD2 and SDXL VAEs have the same tensors, so that only what surrounds them can tell them apart. The keys are
 * those by which diffusers tells single-file checkpoints apart (`loaders/single_file_utils.py`).
 */
import type { ModelId } from './catalog.js';
import type { TensorInfo } from './safetensors/header.js';

export interface ModelEvidence {
  /** The model that the file belongs to; 'other' is one that latent-cache does not know by a name of its own here. */
  readonly model: ModelId | 'other';
  /** For the user: "an SDXL checkpoint". */
  readonly what: string;
  /** The key that gave it away. */
  readonly key: string;
}

interface Sign {
  readonly key: string;
  readonly isPrefix?: boolean;
  /** Size of the last dimension. */
  readonly last?: number;
  readonly model: ModelEvidence['model'];
  readonly what: string;
}

const SD_CROSS_ATTENTION = 'model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight';

const SIGNS: readonly Sign[] = [
  {
    key: 'conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias',
    model: 'sdxl',
    what: 'an SDXL checkpoint',
  },
  {
    key: 'conditioner.embedders.0.model.transformer.resblocks.9.mlp.c_proj.bias',
    model: 'sdxl',
    what: 'an SDXL refiner checkpoint',
  },
  { key: SD_CROSS_ATTENTION, last: 768, model: 'sd', what: 'an SD1 checkpoint' },
  { key: SD_CROSS_ATTENTION, last: 1024, model: 'sd', what: 'an SD2 checkpoint' },
  { key: 'model.diffusion_model.joint_blocks.', isPrefix: true, model: 'other', what: 'an SD3 checkpoint' },
  { key: 'model.diffusion_model.double_blocks.', isPrefix: true, model: 'other', what: 'a FLUX checkpoint' },
  {
    key: 'model.diffusion_model.cap_embedder.0.weight',
    model: 'other',
    what: 'a Lumina 2 or Z-Image checkpoint',
  },
];

/**
 * What the other tensors of a full checkpoint say; undefined for a VAE on its own.
 *
 * @param vaePrefix where the VAE is; a wrapper around the whole checkpoint stands in front of it.
 */
export function evidenceInCheckpoint(
  tensors: ReadonlyMap<string, TensorInfo>,
  vaePrefix: string,
): ModelEvidence | undefined {
  const root = vaePrefix.replace(/(first_stage_model|vae)\.$/, '');
  for (const { key, isPrefix, last, model, what } of SIGNS) {
    const name = isPrefix
      ? [...tensors.keys()].find((candidate) => candidate.startsWith(root + key))
      : root + key;
    const info = name === undefined ? undefined : tensors.get(name);
    if (name !== undefined && info !== undefined && (last === undefined || info.shape.at(-1) === last)) {
      return { model, what, key: name };
    }
  }
  return undefined;
}

/** Playground v2.5 carries its own latent statistics beside an SDXL VAE. */
export function hasOwnNormalisation(tensors: ReadonlyMap<string, TensorInfo>): boolean {
  return tensors.has('edm_mean') && tensors.has('edm_std');
}

/** The scaling factor is the one difference between the `vae/config.json` files of the two. */
export function evidenceInConfig(config: unknown): ModelEvidence | undefined {
  if (typeof config !== 'object' || config === null) return undefined;
  const { _class_name: className, scaling_factor: factor } = config as Record<string, unknown>;
  if (className !== 'AutoencoderKL') return undefined;
  const key = `scaling_factor ${factor} in config.json`;
  if (factor === 0.18215) return { model: 'sd', what: 'an SD1 or SD2 VAE', key };
  if (factor === 0.13025) return { model: 'sdxl', what: 'an SDXL VAE', key };
  return undefined;
}

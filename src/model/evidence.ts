/**
 * VAEs of several models have the same tensors, so that only what surrounds them can tell them apart. The keys are
 * those by which diffusers tells single-file checkpoints apart (`loaders/single_file_utils.py`).
 */
import { MODEL_IDS, MODELS, type ModelId } from './catalog.js';
import type { TensorInfo } from './safetensors/header.js';

export interface ModelEvidence {
  /** The models that the file may belong to; empty when it belongs to one that is not in the catalog. */
  readonly models: readonly ModelId[];
  /** For the user: "an SDXL checkpoint". */
  readonly what: string;
  /** What gave it away. */
  readonly key: string;
}

interface Sign {
  readonly key: string;
  readonly isPrefix?: boolean;
  /** Size of the last dimension. */
  readonly last?: number;
  readonly models: readonly ModelId[];
  readonly what: string;
}

const SD_CROSS_ATTENTION = 'model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight';
const FLUX2_MODULATION = 'model.diffusion_model.single_stream_modulation.lin.weight';

/** The first that is there decides. */
const SIGNS: readonly Sign[] = [
  {
    key: 'conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias',
    models: ['sdxl'],
    what: 'an SDXL checkpoint',
  },
  {
    key: 'conditioner.embedders.0.model.transformer.resblocks.9.mlp.c_proj.bias',
    models: ['sdxl'],
    what: 'an SDXL refiner checkpoint',
  },
  { key: SD_CROSS_ATTENTION, last: 768, models: ['sd'], what: 'an SD1 checkpoint' },
  { key: SD_CROSS_ATTENTION, last: 1024, models: ['sd'], what: 'an SD2 checkpoint' },
  {
    key: 'model.diffusion_model.joint_blocks.',
    isPrefix: true,
    models: ['sd3'],
    what: 'an SD3 checkpoint',
  },
  // hidden sizes: musubi-tuner flux_2/flux2_models.py
  { key: FLUX2_MODULATION, last: 6144, models: ['flux2'], what: 'a FLUX.2 dev checkpoint' },
  { key: FLUX2_MODULATION, last: 4096, models: ['flux2-klein-9b'], what: 'a FLUX.2 klein 9B checkpoint' },
  { key: FLUX2_MODULATION, last: 3072, models: ['flux2-klein-4b'], what: 'a FLUX.2 klein 4B checkpoint' },
  {
    key: 'model.diffusion_model.distilled_guidance_layer.',
    isPrefix: true,
    models: ['chroma'],
    what: 'a Chroma checkpoint',
  },
  {
    key: 'model.diffusion_model.double_blocks.',
    isPrefix: true,
    models: ['flux', 'flux-kontext'],
    what: 'a FLUX.1 checkpoint',
  },
  {
    key: 'model.diffusion_model.layers.0.adaLN_modulation.0.weight',
    models: ['z-image'],
    what: 'a Z-Image checkpoint',
  },
  {
    key: 'model.diffusion_model.cap_embedder.0.weight',
    models: ['lumina'],
    what: 'a Lumina Image 2 checkpoint',
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
  for (const { key, isPrefix, last, models, what } of SIGNS) {
    const name = isPrefix
      ? [...tensors.keys()].find((candidate) => candidate.startsWith(root + key))
      : root + key;
    const info = name === undefined ? undefined : tensors.get(name);
    if (name !== undefined && info !== undefined && (last === undefined || info.shape.at(-1) === last)) {
      return { models, what, key: name };
    }
  }
  return undefined;
}

/** Playground v2.5 carries its own latent statistics beside an SDXL VAE. */
export function hasOwnNormalisation(tensors: ReadonlyMap<string, TensorInfo>): boolean {
  return tensors.has('edm_mean') && tensors.has('edm_std');
}

/** Classes of diffusers that one VAE has. */
const CLASSES: Readonly<Record<string, Omit<ModelEvidence, 'key'>>> = {
  AutoencoderKLFlux2: { models: modelsOf('flux2'), what: 'a FLUX.2 VAE' },
  AutoencoderKLHunyuanImage: { models: modelsOf('hunyuan-image'), what: 'a HunyuanImage-2.1 VAE' },
  AutoencoderKLQwenImage: { models: modelsOf('qwen-image'), what: 'a Qwen-Image VAE' },
  AutoencoderKLWan: { models: [], what: 'a Wan VAE' },
};

/** What `vae/config.json` says: the class, and for the class that most share, scale and shift. */
export function evidenceInConfig(config: unknown): ModelEvidence | undefined {
  if (typeof config !== 'object' || config === null) return undefined;
  const { _class_name: className, scaling_factor: factor } = config as Record<string, unknown>;
  if (typeof className !== 'string') return undefined;
  if (className !== 'AutoencoderKL') {
    const known = Object.hasOwn(CLASSES, className) ? CLASSES[className] : undefined;
    return known && { ...known, key: `_class_name ${className} in config.json` };
  }
  const models = MODEL_IDS.filter((id) => {
    const { normalisation } = MODELS[id];
    return normalisation.kind === 'affine' && normalisation.scale === factor;
  });
  if (models.length === 0) return undefined;
  return { models, what: describe(models), key: `scaling_factor ${factor} in config.json` };
}

function modelsOf(vae: string): ModelId[] {
  return MODEL_IDS.filter((id) => MODELS[id].vae === vae);
}

function describe(models: readonly ModelId[]): string {
  if (models[0] === 'sd') return 'an SD1 or SD2 VAE';
  if (models[0] === 'sdxl') return 'an SDXL VAE';
  return models[0] === 'sd3' ? 'an SD3 VAE' : `a VAE of ${MODELS[models[0]!].title}`;
}

/**
 * Beginnings of `modelspec.architecture` as trainers write it, in lower case; the first that fits decides. Sources:
 * sd-scripts `library/sai_model_spec.py`, musubi-tuner `utils/sai_model_spec.py`.
 */
const ARCHITECTURES: readonly (readonly [start: string, models: readonly ModelId[]])[] = [
  ['stable-diffusion-v1', ['sd']],
  ['stable-diffusion-v2', ['sd']],
  ['stable-diffusion-xl', ['sdxl']],
  ['stable-diffusion-3', ['sd3']],
  ['flux.2-klein-4b', ['flux2-klein-4b']],
  ['flux.2-klein-9b', ['flux2-klein-9b']],
  ['flux.2', ['flux2']],
  ['flux-2', ['flux2']],
  ['flux', ['flux', 'flux-kontext']],
  ['chroma', ['chroma']],
  ['lumina', ['lumina']],
  ['z-image', ['z-image']],
  ['hunyuan-image', ['hunyuan-image']],
  ['qwen-image', ['qwen-image']],
  ['anima', ['anima']],
];

/** What `__metadata__` of the file says. */
export function evidenceInMetadata(metadata: ReadonlyMap<string, string>): ModelEvidence | undefined {
  const architecture = metadata.get('modelspec.architecture');
  if (architecture === undefined) return undefined;
  const models = ARCHITECTURES.find(([start]) => architecture.toLowerCase().startsWith(start))?.[1];
  if (models === undefined) return undefined;
  const what = `a file for ${models.map((id) => MODELS[id].title).join(' or ')}`;
  return { models, what, key: `modelspec.architecture ${JSON.stringify(architecture.slice(0, 60))}` };
}

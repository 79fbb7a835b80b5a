/** From the header of a file, and what lies beside it, to its encoder and the model that it belongs to. */
import { LatentCacheError } from '../errors.js';
import type { VaeArchitecture } from './architecture.js';
import { MODELS, type ModelId } from './catalog.js';
import {
  evidenceInCheckpoint,
  evidenceInConfig,
  evidenceInMetadata,
  hasOwnNormalisation,
  type ModelEvidence,
} from './evidence.js';
import { locateEncoder, type VaeLocation } from './locate.js';
import { readConfigBeside, resolveModelFile } from './model-file.js';
import { readArchitecture } from './recognise.js';
import { modelsFor } from './requirements.js';
import { openSafetensors, type SafetensorsFile } from './safetensors/reader.js';

export interface Examined {
  readonly location: VaeLocation;
  readonly architecture: VaeArchitecture;
  /** The models that the file may belong to: one, or several that nothing tells apart. */
  readonly models: readonly ModelId[];
  /** What told them from others with such a VAE: 'modelspec.architecture "flux"'; usually none or one. */
  readonly evidence: readonly string[];
  /** For the user, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * @param model the model that is asked for.
 * @throws LatentCacheError as `loadVae`, but for ERR_MODEL_AMBIGUOUS.
 */
export async function examine(file: SafetensorsFile, model?: ModelId): Promise<Examined> {
  const { tensors, path, metadata } = file;
  const location = locateEncoder(tensors, path);
  const architecture = readArchitecture(tensors, location, path);
  const checkpoint = evidenceInCheckpoint(tensors, location.prefix);
  if (checkpoint !== undefined && model !== undefined) refuseOtherCheckpoint(checkpoint, [model], path);
  const candidates = modelsFor(tensors, location, architecture, model, path);
  if (checkpoint !== undefined) refuseOtherCheckpoint(checkpoint, candidates, path);

  // beside a single-file model, config.json is somebody else's
  const isOfFolder = location.layout === 'diffusers' || location.layout === 'diffusers-old';
  const hints = [
    isOfFolder ? evidenceInConfig(await readConfigBeside(path)) : undefined,
    evidenceInMetadata(metadata),
  ].filter((hint) => hint !== undefined);
  let models: readonly ModelId[] = candidates;
  const evidence: string[] = [];
  for (const { models: meant, key } of checkpoint === undefined ? hints : [checkpoint, ...hints]) {
    const both = models.filter((id) => meant.includes(id));
    // what fits none of them does not decide
    if (both.length === 0 || both.length === models.length) continue;
    models = both;
    evidence.push(key);
  }
  return {
    location,
    architecture,
    models,
    evidence,
    warnings: warningsOf(file, architecture, models, hints),
  };
}

function refuseOtherCheckpoint(
  { models, what, key }: ModelEvidence,
  wanted: readonly ModelId[],
  path: string,
): void {
  if (wanted.some((id) => models.includes(id))) return;
  throw new LatentCacheError(
    'ERR_MODEL_UNKNOWN',
    `expected a VAE for model ${wanted.join(' or ')}, ${path} is ${what} (it has ${key})`,
    {
      path,
      remedy: `Ask for model ${models.join(' or ')}, or give the VAE of the model that you train.`,
    },
  );
}

function warningsOf(
  { path, tensors }: SafetensorsFile,
  { family }: VaeArchitecture,
  models: readonly ModelId[],
  hints: readonly ModelEvidence[],
): string[] {
  const warnings: string[] = [];
  if (family === 'tiny') {
    warnings.push(
      `${path} is a tiny encoder (TAESD): its latents only resemble those of the VAE. Do not train on them.`,
    );
  }
  if (hasOwnNormalisation(tensors)) {
    warnings.push(
      `${path} looks like Playground v2.5, whose latents are normalised in its own way: an SDXL trainer will not do that.`,
    );
  }
  for (const { models: meant, what, key } of hints) {
    if (models.some((id) => meant.includes(id))) continue;
    warnings.push(`${path} looks like ${what} (${key}), it is used for model ${models.join(' or ')}.`);
  }
  return warnings;
}

/** The model of a file; or, where several have such a VAE and nothing tells whose it is, all of them. */
export type RecognisedModel =
  | {
      readonly model: ModelId;
      /** What told it: the name of a tensor, an entry of `config.json`; or that no other model has such a VAE. */
      readonly by: string;
    }
  | { readonly candidates: readonly ModelId[] };

/**
 * Which model a VAE or checkpoint belongs to, from its header and the `config.json` of its folder; no weights are read.
 *
 * @param path a .safetensors file or a diffusers folder.
 * @throws LatentCacheError ERR_MODEL_FILE, ERR_MODEL_FORMAT, ERR_MODEL_TRUNCATED, ERR_MODEL_PICKLE, ERR_MODEL_KEY,
 * ERR_MODEL_SHAPE, ERR_MODEL_DTYPE, ERR_MODEL_UNKNOWN.
 */
export async function recogniseModel(path: string): Promise<RecognisedModel> {
  const file = await openSafetensors(await resolveModelFile(path));
  try {
    const { models, evidence } = await examine(file);
    const [model, ...others] = models;
    if (model === undefined || others.length > 0) return { candidates: models };
    return { model, by: evidence.length === 0 ? 'the shapes of its tensors' : evidence.join(' and ') };
  } finally {
    await file.close();
  }
}

/** @throws LatentCacheError ERR_MODEL_AMBIGUOUS naming all of them when they are several. */
export function onlyModel(models: readonly ModelId[], path: string): ModelId {
  const [first] = models;
  if (models.length === 1) return first!;
  throw new LatentCacheError(
    'ERR_MODEL_AMBIGUOUS',
    `${path} may be the VAE of several models, which have the same tensors: ${models.join(', ')}`,
    {
      path,
      remedy: `Say which with --model: ${models.map((id) => `${id} (${MODELS[id].title})`).join(', ')}.`,
    },
  );
}

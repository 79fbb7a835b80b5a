/** Loads the encoder half of a VAE from any of the file layouts in use. */
import { createHash } from 'node:crypto';
import { throwIfAborted } from '../abort.js';
import { LatentCacheError } from '../errors.js';
import type { VaeArchitecture } from './architecture.js';
import { MODELS, type ModelId } from './catalog.js';
import { examine, onlyModel } from './examine.js';
import { allFinite } from './finite.js';
import {
  type Layer,
  type TensorSource,
  type TensorSpec,
  tensorOf,
  tensorsOf,
  type WeightedLayers,
} from './layers.js';
import type { VaeLayout } from './layouts/layouts.js';
import { nameInFile, type VaeLocation } from './locate.js';
import { resolveModelFile } from './model-file.js';
import type { PatchStatistics } from './normalise.js';
import { badShape, missingTensors } from './recognise.js';
import type { Dtype } from './safetensors/dtypes.js';
import { openSafetensors, type SafetensorsFile } from './safetensors/reader.js';
import { readingOf, type StoredReading } from './stored-tensor.js';
import { addTinyMoments } from './tiny-moments.js';
import { layersOf } from './topology.js';

export interface VaeEncoderWeights extends WeightedLayers {
  /** The one that was asked for, or the only one that it can be. */
  readonly model: ModelId;
  readonly architecture: VaeArchitecture;
  readonly layers: readonly Layer[];
  /** By canonical (CompVis) name, float32, row-major, conv weights as [outputs, inputs, kernel, kernel]. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
  /** Of models whose latents are normalised by statistics in the VAE's file: FLUX.2. */
  readonly patchStatistics?: PatchStatistics;
  /** The file that was read: not the path given, when that was a folder. */
  readonly path: string;
  readonly sourceLayout: VaeLayout;
  /** In front of the tensor names: '' or, in a full checkpoint, 'first_stage_model.' and the like. */
  readonly sourcePrefix: string;
  /** The dtypes that the encoder's tensors have in the file. */
  readonly sourceDtypes: readonly Dtype[];
  /** SHA-256 (hex) of the canonical names, shapes and float32 values: equal for equal weights in any layout. */
  readonly fingerprint: string;
  /** For the user, one sentence each; usually none. */
  readonly warnings: readonly string[];
}

export interface LoadVaeOptions {
  /**
   * SD1 and SD2 are one: 'sd'. Several models share a VAE, or have VAEs of the same shapes: without a model, the rest of
   * a checkpoint, the `config.json` of a diffusers folder or the file's metadata must tell which it is.
   */
  readonly model?: ModelId;
  readonly signal?: AbortSignal;
}

/**
 * Reads the encoder of a VAE from any of the file layouts in use, and checks that it is what `model` says.
 *
 * @param path a .safetensors file (a VAE or a full checkpoint) or a diffusers folder. Of the file, only the header and
 * the encoder's tensors are read.
 * @throws LatentCacheError ERR_MODEL_FILE, ERR_MODEL_FORMAT, ERR_MODEL_TRUNCATED, ERR_MODEL_PICKLE, ERR_MODEL_KEY (a
 * tensor is missing), ERR_MODEL_SHAPE (shapes contradict each other), ERR_MODEL_DTYPE, ERR_MODEL_UNKNOWN (another kind
 * of model), ERR_MODEL_AMBIGUOUS (without `model`, several have such a VAE), ERR_NON_FINITE (NaN among the weights),
 * ERR_ABORTED.
 */
export async function loadVae(path: string, options: LoadVaeOptions = {}): Promise<VaeEncoderWeights> {
  const resolved = await resolveModelFile(path);
  const file = await openSafetensors(resolved);
  try {
    return await loadFrom(file, options);
  } finally {
    await file.close();
  }
}

async function loadFrom(
  file: SafetensorsFile,
  { model: wanted, signal }: LoadVaeOptions,
): Promise<VaeEncoderWeights> {
  const { location, architecture, models, warnings } = await examine(file, wanted);
  const model = onlyModel(models, file.path);
  const layers = layersOf(architecture);
  const specs = tensorsOf(layers);
  const nameOf = (canonical: string) => nameInFile(canonical, location, architecture.blocksPerLevel);
  const { normalisation } = MODELS[model];
  const statistics = normalisation.kind === 'patches' ? statisticsOf(location, architecture) : [];
  const missing = [...specs.map(({ name }) => nameOf(name)), ...statistics.map(({ name }) => name)].filter(
    (name) => !file.tensors.has(name),
  );
  if (missing.length > 0) throw missingTensors(missing, file.path);
  const readings = specs.map((spec) => checkShape(file, spec, nameOf(spec.name), location));
  for (const spec of statistics) checkShape(file, spec, spec.name, location);

  const tensors = new Map<string, Float32Array>();
  const dtypes = new Set<Dtype>();
  const sources = new Map<string, TensorSource>();
  for (const [at, { name }] of specs.entries()) {
    throwIfAborted(signal, 'loading the model');
    const stored = nameOf(name);
    tensors.set(name, readings[at]!.take(await readFinite(file, stored)));
    const { dtype, begin, end } = file.tensors.get(stored)!;
    dtypes.add(dtype);
    if (readings[at]!.isWhole) {
      sources.set(name, { path: file.path, offset: file.dataStart + begin, bytes: end - begin, dtype });
    }
  }
  if (architecture.family === 'tiny' && normalisation.kind === 'affine') {
    addTinyMoments(tensors, normalisation);
  }
  const hash = createHash('sha256');
  for (const { name, shape } of specs) {
    hash.update(`${name} [${shape.join(',')}]\n`).update(bytesOf(tensorOf(tensors, name)));
  }
  const read: Float32Array[] = [];
  for (const { name, shape } of statistics) {
    const values = await readFinite(file, name);
    read.push(values);
    hash.update(`${name.slice(location.prefix.length)} [${shape.join(',')}]\n`).update(bytesOf(values));
  }
  const [mean, variance] = read;
  const isNarrow = [...dtypes].some((dtype) => dtype.startsWith('F8'));
  return {
    model,
    architecture,
    layers,
    tensors,
    sources,
    ...(mean === undefined || variance === undefined ? {} : { patchStatistics: { mean, variance } }),
    path: file.path,
    sourceLayout: location.layout,
    sourcePrefix: location.prefix,
    sourceDtypes: [...dtypes],
    fingerprint: hash.digest('hex'),
    warnings: isNarrow
      ? [...warnings, `${file.path} stores the VAE in 8 bits: its latents are of poor quality.`]
      : warnings,
  };
}

/** Of the batch norm on patches of 2×2 latent pixels, by the names in the file. */
function statisticsOf({ prefix }: VaeLocation, { latentChannels }: VaeArchitecture): TensorSpec[] {
  return ['running_mean', 'running_var'].map((part) => ({
    name: `${prefix}bn.${part}`,
    shape: [4 * latentChannels],
  }));
}

async function readFinite(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const values = await file.readFloat32(name);
  if (allFinite(values)) return values;
  throw new LatentCacheError(
    'ERR_NON_FINITE',
    `expected finite weights, tensor ${name} of ${file.path} has NaN or infinity`,
    {
      path: file.path,
      remedy: 'The file is damaged or was converted badly: take the VAE from another source.',
    },
  );
}

function checkShape(
  file: SafetensorsFile,
  spec: TensorSpec,
  stored: string,
  { family }: VaeLocation,
): StoredReading {
  const got = file.tensors.get(stored)!.shape;
  const reading = readingOf(spec, family, got);
  if (reading === undefined) throw badShape(file.path, stored, `[${spec.shape.join(',')}]`, got);
  return reading;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

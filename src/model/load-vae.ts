/** Loads the encoder half of a VAE from any of the file layouts in use. */
import { createHash } from 'node:crypto';
import { throwIfAborted } from '../abort.js';
import { LatentCacheError } from '../errors.js';
import type { VaeArchitecture } from './architecture.js';
import type { ModelId } from './catalog.js';
import { evidenceInConfig, hasOwnNormalisation } from './evidence.js';
import { allFinite } from './finite.js';
import { type Layer, type TensorSource, type TensorSpec, tensorsOf, type WeightedLayers } from './layers.js';
import type { VaeLayout } from './layouts.js';
import { readConfigBeside, resolveModelFile } from './model-file.js';
import {
  badShape,
  locateEncoder,
  missingTensors,
  nameInFile,
  readArchitecture,
  type VaeLocation,
} from './recognise.js';
import { checkRequirements } from './requirements.js';
import type { Dtype } from './safetensors/dtypes.js';
import { openSafetensors, type SafetensorsFile } from './safetensors/reader.js';
import { layersOf } from './topology.js';

export interface VaeEncoderWeights extends WeightedLayers {
  readonly architecture: VaeArchitecture;
  readonly layers: readonly Layer[];
  /** By canonical (CompVis) name, float32, row-major, conv weights as [outputs, inputs, kernel, kernel]. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
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
  /** SD1 and SD2 are one: 'sd'. Their VAE and SDXL's cannot be told apart, so that the caller must say. */
  readonly model: ModelId;
  readonly signal?: AbortSignal;
}

/**
 * Reads the encoder of a VAE from any of the file layouts in use, and checks that it is what `model` says.
 *
 * @param path a .safetensors file (a VAE or a full checkpoint) or a diffusers folder. Of the file, only the header and
 * the encoder's tensors are read.
 * @throws LatentCacheError ERR_MODEL_FILE, ERR_MODEL_FORMAT, ERR_MODEL_TRUNCATED, ERR_MODEL_PICKLE, ERR_MODEL_KEY (a
 * tensor is missing), ERR_MODEL_SHAPE (shapes contradict each other), ERR_MODEL_DTYPE, ERR_MODEL_UNKNOWN (another kind
 * of model), ERR_NON_FINITE (NaN among the weights), ERR_ABORTED.
 */
export async function loadVae(path: string, options: LoadVaeOptions): Promise<VaeEncoderWeights> {
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
  { model, signal }: LoadVaeOptions,
): Promise<VaeEncoderWeights> {
  const location = locateEncoder(file.tensors, file.path);
  const architecture = readArchitecture(file.tensors, location, file.path);
  const warnings: string[] = [];
  checkRequirements(file.tensors, location, architecture, model, file.path);
  await collectWarnings(file, location, model, warnings);

  const layers = layersOf(architecture);
  const specs = tensorsOf(layers);
  const missing = specs
    .map(({ name }) => nameInFile(name, location))
    .filter((name) => !file.tensors.has(name));
  if (missing.length > 0) throw missingTensors(missing, file.path);
  for (const spec of specs) checkShape(file, spec, location);

  const tensors = new Map<string, Float32Array>();
  const hash = createHash('sha256');
  const dtypes = new Set<Dtype>();
  const sources = new Map<string, TensorSource>();
  for (const { name, shape } of specs) {
    throwIfAborted(signal, 'loading the model');
    const stored = nameInFile(name, location);
    const values = await file.readFloat32(stored);
    if (!allFinite(values)) {
      throw new LatentCacheError(
        'ERR_NON_FINITE',
        `expected finite weights, tensor ${stored} of ${file.path} has NaN or infinity`,
        {
          path: file.path,
          remedy: 'The file is damaged or was converted badly: take the VAE from another source.',
        },
      );
    }
    tensors.set(name, values);
    const { dtype, begin, end } = file.tensors.get(stored)!;
    dtypes.add(dtype);
    sources.set(name, { path: file.path, offset: file.dataStart + begin, bytes: end - begin, dtype });
    hash.update(`${name} [${shape.join(',')}]\n`).update(bytesOf(values));
  }
  if ([...dtypes].some((dtype) => dtype.startsWith('F8'))) {
    warnings.push(`${file.path} stores the VAE in 8 bits: its latents are of poor quality.`);
  }
  return {
    architecture,
    layers,
    tensors,
    sources,
    path: file.path,
    sourceLayout: location.layout,
    sourcePrefix: location.prefix,
    sourceDtypes: [...dtypes],
    fingerprint: hash.digest('hex'),
    warnings,
  };
}

async function collectWarnings(
  file: SafetensorsFile,
  location: VaeLocation,
  model: ModelId,
  warnings: string[],
): Promise<void> {
  if (hasOwnNormalisation(file.tensors)) {
    warnings.push(
      `${file.path} looks like Playground v2.5, whose latents are normalised in its own way: an SDXL trainer will not do that.`,
    );
  }
  // beside a single-file model, config.json is somebody else's
  if (location.layout === 'ldm') return;
  const evidence = evidenceInConfig(await readConfigBeside(file.path));
  if (evidence !== undefined && evidence.model !== model) {
    warnings.push(
      `${file.path} looks like ${evidence.what} (${evidence.key}), it is used for model ${model}.`,
    );
  }
}

function checkShape(file: SafetensorsFile, { name, shape }: TensorSpec, location: VaeLocation): void {
  const stored = nameInFile(name, location);
  const got = file.tensors.get(stored)!.shape;
  // the weight of a 1×1 conv is also saved as a matrix, with the same bytes
  const isPointwise = shape.length === 4 && shape[2] === 1;
  const agrees = got.every((size, i) => size === (shape[i] ?? 1));
  const fits = got.length === shape.length || (isPointwise && got.length >= 2 && got.length < 4);
  if (!agrees || !fits) throw badShape(file.path, stored, `[${shape.join(',')}]`, got);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** One cache file, with its latents as numbers and its geometry. */
import type { LatentDtype } from '../cache/latent-entry.js';
import type { ProvenanceRecord } from '../cache/provenance.js';
import type { Size } from '../dataset/bucket.js';
import { LatentCacheError } from '../errors.js';
import { bucketOf, type CacheEntry, entriesOf, latentShape, valuesOf } from '../inspect/entries.js';
import { formatOf, type NameSays, readName } from '../inspect/identify.js';
import { type CacheContents, readContents } from '../inspect/read-contents.js';
import { itemOf } from '../inspect/readers/ai-toolkit.js';
import type { StoredArray } from '../inspect/stored-array.js';
import type { ModelFacts } from '../model/catalog.js';
import { absurdMagnitude } from '../model/finite.js';
import type { PatchStatistics } from '../model/normalise.js';
import { AI_TOOLKIT_MODELS } from '../trainers/ai-toolkit/models.js';
import type { LatentShape } from '../trainers/latent-shape.js';
import { MUSUBI_MODELS } from '../trainers/musubi/models.js';
import { SD_SCRIPTS_MODELS } from '../trainers/sd-scripts/models.js';
import { FORMAT_IDS, type FormatId } from '../trainers/trainer.js';
import { refuseFile } from './refuse.js';

/** A cache file before its latents are looked at. */
export interface SourceFile {
  readonly contents: CacheContents;
  readonly format: FormatId;
  readonly name: NameSays;
  readonly entries: readonly CacheEntry[];
  /** Whose pixels the latents are of, which an earlier conversion may have noted. */
  readonly pixelsOf: FormatId;
}

/** The latents of one resolution. */
export interface SourceLatents {
  readonly entry: CacheEntry;
  /** Behind the names of its arrays where a file holds several: of the latents as they are stored. */
  readonly shape: LatentShape;
  readonly values: 'raw' | 'normalised';
  readonly latents: Float32Array;
  readonly latentsFlipped: Float32Array | undefined;
  readonly alphaMask: Uint8Array | undefined;
  /** As stored; wider ones than float32 are read as that. */
  readonly dtype: LatentDtype;
  readonly bucket: Size;
  readonly posterior: 'mean' | 'sample';
  /** Pixels were turned upright by EXIF before they were encoded. */
  readonly upright: boolean;
}

/** The key in the metadata of converted files, and the word in their records. */
export const PIXELS_OF = 'pixels_of';
const PIXELS_TOKEN = /(?:^| )pixels of ([a-z-]+)$/;

/**
 * @returns undefined when it is no latent cache
 * @throws LatentCacheError `ERR_NO_INPUT`, `ERR_CACHE_CORRUPT`
 */
export async function readSource(file: string): Promise<SourceFile | undefined> {
  const contents = await readContents(file);
  const format = formatOf(contents);
  if (format === undefined) return undefined;
  const { entries, others } = entriesOf(contents, format);
  checkOthers(others);
  const recorded = entries.map(({ record }) => PIXELS_TOKEN.exec(record?.recipe.pixels ?? '')?.[1]);
  const said = contents.metadata.get(PIXELS_OF) ?? recorded.find((name) => name !== undefined);
  return {
    contents,
    format,
    name: readName(file, format, contents.container),
    entries,
    pixelsOf: FORMAT_IDS.find((id) => id === said) ?? format,
  };
}

function checkOthers(names: readonly string[]): void {
  const lost = names.filter((name) => /latent|tensor|num_frames/.test(name));
  if (lost.length === 0) return;
  refuseFile(
    'ERR_CONVERT_CONTENT',
    `It holds more than the latents of an image: ${lost.join(', ')}`,
    'Make the new cache with the trainer itself.',
  );
}

/** @throws LatentCacheError `ERR_CONVERT_CONTENT`, `ERR_NON_FINITE` */
export function readLatents(file: SourceFile, entry: CacheEntry, model: ModelFacts): SourceLatents {
  const { contents, format } = file;
  const values = valuesOf(format, model.id, contents.metadata);
  const shape = latentShape(entry.latents);
  if (values === undefined || shape === undefined)
    badContent(`${entry.latents.name} is no latent of ${model.title}`);
  const isPatched = model.normalisation.kind === 'patches' && values === 'normalised';
  if (shape[0] !== (isPatched ? 4 : 1) * model.latentChannels)
    badContent(`${entry.latents.name} has ${shape[0]} channels, which is no latent of ${model.title}`);
  const { latentsFlipped, alphaMask, record } = entry;
  if (latentsFlipped !== undefined && latentsFlipped.shape.join() !== entry.latents.shape.join())
    badContent(`${latentsFlipped.name} has another shape than ${entry.latents.name}`);
  const bucket = bucketOf(model.id, shape);
  return {
    entry,
    shape,
    values,
    latents: numbersOf(entry.latents),
    latentsFlipped: latentsFlipped && numbersOf(latentsFlipped),
    alphaMask: alphaMask && maskOf(alphaMask, bucket),
    dtype: dtypeOf(entry.latents),
    bucket,
    posterior: record?.recipe.posterior ?? posteriorOf(file, model),
    upright: format === 'ai-toolkit' || isUpright(record),
  };
}

/** Constants of its normalisation that the file brings along: our own format does. */
export function statisticsIn({ metadata }: CacheContents): PatchStatistics | undefined {
  let said: unknown;
  try {
    said = JSON.parse(metadata.get('normalisation') ?? 'null');
  } catch {
    return undefined;
  }
  const { kind, mean, variance } = (said ?? {}) as { kind?: unknown; mean?: unknown; variance?: unknown };
  if (kind !== 'patches' || !isNumbers(mean) || !isNumbers(variance)) return undefined;
  return { mean: Float32Array.from(mean), variance: Float32Array.from(variance) };
}

function isNumbers(values: unknown): values is number[] {
  return Array.isArray(values) && values.every(Number.isFinite);
}

function isUpright(record: ProvenanceRecord | undefined): boolean {
  return record?.recipe.pixels.split(' ').includes('upright') ?? false;
}

/** What the trainer stores; our own format says it. */
function posteriorOf({ format, contents }: SourceFile, { id }: ModelFacts): 'mean' | 'sample' {
  const said = {
    'sd-scripts': SD_SCRIPTS_MODELS[id]?.posterior,
    musubi: MUSUBI_MODELS[id]?.posterior,
    'ai-toolkit': AI_TOOLKIT_MODELS[id]?.posterior,
    safetensors: contents.metadata.get('posterior'),
  }[format];
  return said === 'mean' ? 'mean' : 'sample';
}

const DTYPES: Readonly<Record<string, LatentDtype>> = {
  float16: 'float16',
  bfloat16: 'bfloat16',
  float32: 'float32',
  float64: 'float32',
  'big-endian float16': 'float16',
  'big-endian float32': 'float32',
  'big-endian float64': 'float32',
};

function dtypeOf({ name, dtype }: StoredArray): LatentDtype {
  return DTYPES[dtype] ?? badContent(`${name} is ${dtype}, which are no latents`);
}

function numbersOf(array: StoredArray): Float32Array {
  dtypeOf(array);
  const values = array.toFloat32();
  const absurd = absurdMagnitude(values);
  if (absurd === undefined) return values;
  throw new LatentCacheError('ERR_NON_FINITE', `${array.name} holds ${absurd}, which no latent does`, {
    remedy: 'Encode the image again with a float32 VAE.',
  });
}

/** Masks of bytes as they are; those of floats are such bytes divided by 255. */
function maskOf(array: StoredArray, { width, height }: Size): Uint8Array {
  if (array.shape.join() !== [height, width].join())
    badContent(`${array.name} is (${array.shape.join(', ')}), not (${height}, ${width})`);
  const scale = array.dtype === 'uint8' ? 1 : 255;
  const mask = new Uint8Array(array.count);
  const values = array.toFloat32();
  for (let index = 0; index < mask.length; index++) {
    const value = values[index]! * scale;
    const byte = Math.round(value);
    if (!(byte >= 0 && byte <= 255 && Math.abs(value - byte) < 0.01))
      badContent(`${array.name} holds ${values[index]}, which is no multiple of 1/255`);
    mask[index] = byte;
  }
  return mask;
}

function badContent(message: string): never {
  return refuseFile('ERR_CONVERT_CONTENT', message, 'Encode the image again.');
}

/** What the metadata of an ai-toolkit cache say; undefined of other files. */
export function aiToolkitItem({ format, contents }: SourceFile) {
  return format === 'ai-toolkit' ? itemOf(contents.metadata) : undefined;
}

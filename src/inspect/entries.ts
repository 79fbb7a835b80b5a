/** The arrays of a cache by resolution: one entry for each. */
import type { ProvenanceRecord } from '../cache/provenance.js';
import type { Size } from '../dataset/bucket.js';
import { MODELS, type ModelId } from '../model/catalog.js';
import { LATENT_KEY } from '../trainers/ai-toolkit/files.js';
import { AI_TOOLKIT_MODELS } from '../trainers/ai-toolkit/models.js';
import type { LatentShape } from '../trainers/latent-shape.js';
import { MUSUBI_MODELS } from '../trainers/musubi/models.js';
import { tensorKeySuffix } from '../trainers/safetensors/files.js';
import { memberKeySuffix } from '../trainers/sd-scripts/files.js';
import { SD_SCRIPTS_MODELS } from '../trainers/sd-scripts/models.js';
import type { FormatId } from '../trainers/trainer.js';
import { MUSUBI_KEY } from './identify.js';
import type { CacheContents } from './read-contents.js';
import type { StoredArray } from './stored-array.js';

/** The whole image after resizing, and what of it is in the latents. */
export interface Framing {
  readonly resized: Size;
  readonly crop: { readonly left: number; readonly top: number };
}

export interface CacheEntry {
  readonly keySuffix: string;
  readonly latents: StoredArray;
  readonly latentsFlipped: StoredArray | undefined;
  readonly alphaMask: StoredArray | undefined;
  /** Of the image, as the file says it. */
  readonly originalSize: Size | undefined;
  readonly cropLtrb: readonly number[] | undefined;
  /** Where the file says it: of ai-toolkit and of our own format. */
  readonly framing: Framing | undefined;
  readonly record: ProvenanceRecord | undefined;
}

/** Entries, and the names of arrays that belong to none. */
export function entriesOf(
  contents: CacheContents,
  format: FormatId,
): { readonly entries: readonly CacheEntry[]; readonly others: readonly string[] } {
  switch (format) {
    case 'sd-scripts':
      return byKeySuffix(contents, (name) => memberKeySuffix(`${name}.npy`));
    case 'safetensors':
      return byKeySuffix(contents, tensorKeySuffix);
    case 'musubi':
      return oneEntry(contents, (name) => MUSUBI_KEY.test(name), {
        originalSize: sizeIn(contents.metadata, 'width', 'height'),
      });
    case 'ai-toolkit':
      return oneEntry(contents, (name) => name === LATENT_KEY, {
        framing: aiToolkitFraming(contents.metadata),
      });
  }
}

function byKeySuffix(contents: CacheContents, suffixOf: (name: string) => string | undefined) {
  const suffixes = new Set<string>();
  const others: string[] = [];
  for (const name of contents.arrays.keys()) {
    const suffix = suffixOf(name);
    if (suffix === undefined || !contents.arrays.has(`latents${suffix}`)) others.push(name);
    else suffixes.add(suffix);
  }
  const array = (key: string) => contents.arrays.get(key);
  const entries = [...suffixes].map((keySuffix): CacheEntry => {
    const size = numbersOf(array(`original_size${keySuffix}`), 2);
    return {
      keySuffix,
      latents: array(`latents${keySuffix}`)!,
      latentsFlipped: array(`latents_flipped${keySuffix}`),
      alphaMask: array(`alpha_mask${keySuffix}`),
      originalSize: size && toSize(size[0]!, size[1]!),
      cropLtrb: numbersOf(array(`crop_ltrb${keySuffix}`), 4),
      framing: plainFraming(contents.metadata.get(`geometry${keySuffix}`)),
      record: contents.provenance.get(keySuffix),
    };
  });
  return { entries, others };
}

function oneEntry(
  { arrays, provenance }: CacheContents,
  isLatents: (name: string) => boolean,
  says: Partial<CacheEntry>,
) {
  const names = [...arrays.keys()];
  const name = names.find(isLatents);
  const entries: CacheEntry[] =
    name === undefined
      ? []
      : [
          {
            keySuffix: '',
            latents: arrays.get(name)!,
            latentsFlipped: undefined,
            alphaMask: undefined,
            originalSize: undefined,
            cropLtrb: undefined,
            framing: undefined,
            record: provenance.get(''),
            ...says,
          },
        ];
  return { entries, others: names.filter((each) => each !== name) };
}

/** (C, h, w) of latents, with an axis of one frame left out; undefined for other shapes. */
export function latentShape({ shape }: Pick<StoredArray, 'shape'>): LatentShape | undefined {
  const sides = shape.length === 4 && shape[1] === 1 ? [shape[0]!, shape[2]!, shape[3]!] : shape;
  return sides.length === 3 && sides.every((side) => side > 0)
    ? (sides as unknown as LatentShape)
    : undefined;
}

/** Which values a trainer's caches of a model hold, or our own format's say that they hold. */
export function valuesOf(
  format: FormatId,
  model: ModelId,
  metadata: ReadonlyMap<string, string>,
): 'raw' | 'normalised' | undefined {
  switch (format) {
    case 'sd-scripts':
      return SD_SCRIPTS_MODELS[model]?.values;
    case 'musubi':
      return MUSUBI_MODELS[model]?.values;
    case 'ai-toolkit':
      return AI_TOOLKIT_MODELS[model] && 'normalised';
    case 'safetensors': {
      const values = metadata.get('values');
      return values === 'raw' || values === 'normalised' ? values : undefined;
    }
  }
}

/** The pixels that latents stand for. */
export function bucketOf(model: ModelId, [channels, height, width]: LatentShape): Size {
  const { stride, latentChannels } = MODELS[model];
  const cell = channels === latentChannels ? stride : 2 * stride;
  return { width: width * cell, height: height * cell };
}

function numbersOf(array: StoredArray | undefined, length: number): number[] | undefined {
  if (array?.shape.length !== 1 || array.count !== length) return undefined;
  const numbers = Array.from({ length }, (_, index) => array.at(index));
  return numbers.every(Number.isFinite) ? numbers : undefined;
}

function toSize(width: number, height: number): Size | undefined {
  const sound = [width, height].every((side) => Number.isSafeInteger(side) && side > 0);
  return sound ? { width, height } : undefined;
}

function sizeIn(metadata: ReadonlyMap<string, string>, width: string, height: string): Size | undefined {
  return toSize(Number(metadata.get(width)), Number(metadata.get(height)));
}

function aiToolkitFraming(metadata: ReadonlyMap<string, string>): Framing | undefined {
  const resized = sizeIn(metadata, 'scale_to_width', 'scale_to_height');
  return resized && framing(resized, Number(metadata.get('crop_x')), Number(metadata.get('crop_y')));
}

function plainFraming(text: string | undefined): Framing | undefined {
  if (text === undefined) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { resized, crop } = (said ?? {}) as { resized?: unknown; crop?: unknown };
  if (!Array.isArray(resized) || !Array.isArray(crop)) return undefined;
  const size = toSize(resized[0], resized[1]);
  return size && framing(size, crop[0], crop[1]);
}

function framing(resized: Size, left: number, top: number): Framing | undefined {
  return Number.isSafeInteger(left) && Number.isSafeInteger(top)
    ? { resized, crop: { left, top } }
    : undefined;
}

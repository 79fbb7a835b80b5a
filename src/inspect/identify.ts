/** Whose cache a file is, and what its latents are for. */
import path from 'node:path';
import type { Size } from '../dataset/bucket.js';
import { MODEL_IDS, MODELS, type ModelId } from '../model/catalog.js';
import { LATENT_KEY, parseCacheName as parseAiToolkitName } from '../trainers/ai-toolkit/files.js';
import { AI_TOOLKIT_MODELS } from '../trainers/ai-toolkit/models.js';
import { parseCacheName as parseMusubiName } from '../trainers/musubi/files.js';
import { MUSUBI_MODELS } from '../trainers/musubi/models.js';
import { FORMAT_NAME, parseCacheName as parsePlainName } from '../trainers/safetensors/files.js';
import { parseCacheName as parseNpzName } from '../trainers/sd-scripts/files.js';
import { LEGACY_MODELS, SD_SCRIPTS_MODELS } from '../trainers/sd-scripts/models.js';
import type { FormatId } from '../trainers/trainer.js';
import type { CacheContents, Container } from './read-contents.js';

/** What the name of a file says; all of it may be missing. */
export interface NameSays {
  /** The image's name without its extension. */
  readonly stem: string;
  readonly size?: Size;
  /** What caches of this name are for. */
  readonly models: readonly ModelId[];
}

/** `latents_1x64x64_float32`: content, size, and torch's name of the type. */
export const MUSUBI_KEY = /^latents_(?:(\d+)x)?(\d+)x(\d+)_(float32|float16|bfloat16|float64)$/;

/** undefined for files that are no latent cache. */
export function formatOf({ container, arrays, metadata }: CacheContents): FormatId | undefined {
  const names = [...arrays.keys()];
  if (container === 'npz') return names.some((name) => /^latents(_|$)/.test(name)) ? 'sd-scripts' : undefined;
  if (metadata.get('format') === FORMAT_NAME) return 'safetensors';
  if (arrays.has(LATENT_KEY)) return 'ai-toolkit';
  return names.some((name) => MUSUBI_KEY.test(name)) ? 'musubi' : undefined;
}

/** Every format whose caches have such a name, by the name alone. */
export function formatsOfName(file: string): FormatId[] {
  const name = path.basename(file);
  const formats: FormatId[] = [];
  if (name.endsWith('.npz')) return ['sd-scripts'];
  if (readMusubiName(name) !== undefined) formats.push('musubi');
  if (parsePlainName(name) !== undefined) formats.push('safetensors');
  if (parseAiToolkitName(name) !== undefined) formats.push('ai-toolkit');
  return formats;
}

/** @param container of the file: names of the two kinds are told apart by their ending */
export function readName(file: string, format: FormatId | undefined, container: Container): NameSays {
  const name = path.basename(file);
  const extension = container === 'npz' ? '.npz' : '.safetensors';
  const plain = { stem: name.endsWith(extension) ? name.slice(0, -extension.length) : name, models: [] };
  switch (format) {
    case 'sd-scripts':
      return readNpzName(name) ?? { ...plain, models: [...LEGACY_MODELS] };
    case 'musubi':
      return readMusubiName(name) ?? plain;
    case 'ai-toolkit':
      return { ...plain, stem: parseAiToolkitName(name)?.stem ?? plain.stem };
    case 'safetensors': {
      const parsed = parsePlainName(name);
      return parsed === undefined
        ? plain
        : { stem: parsed.stem, size: parsed.original, models: [parsed.model] };
    }
    case undefined:
      return plain;
  }
}

function readNpzName(name: string): NameSays | undefined {
  const suffix = /_\d{4,}x\d{4,}_([A-Za-z0-9-]+)\.npz$/.exec(name)?.[1];
  const parsed = suffix === undefined ? undefined : parseNpzName(name, suffix);
  if (parsed === undefined) return undefined;
  const models = MODEL_IDS.filter((id) => SD_SCRIPTS_MODELS[id]?.suffix === suffix);
  return { stem: parsed.base, size: parsed.size, models };
}

function readMusubiName(name: string): NameSays | undefined {
  for (const id of MODEL_IDS) {
    const parsed = MUSUBI_MODELS[id] && parseMusubiName(name, MUSUBI_MODELS[id].architecture);
    if (parsed) return { stem: parsed.stem, size: parsed.original, models: [id] };
  }
  return undefined;
}

/** How it is known what latents are for. */
export type ModelEvidence = 'record' | 'metadata' | 'name' | 'channels';

export interface ModelGuess {
  /** More than one where nothing in the file tells them apart; none when no model has such latents. */
  readonly candidates: readonly ModelId[];
  readonly by: ModelEvidence;
}

/** By our own record, else what the file says, else its name, else how many channels the latents have. */
export function modelOf(
  contents: CacheContents,
  format: FormatId | undefined,
  name: NameSays,
  channels: number | undefined,
): ModelGuess {
  const recorded = [...contents.provenance.values()].flatMap(({ model }) => model ?? []);
  if (recorded.length > 0) return { candidates: [...new Set(recorded)], by: 'record' };
  const said = saidBy(contents.metadata, format);
  if (said.length > 0) return { candidates: said, by: 'metadata' };
  const fitting = (ids: readonly ModelId[]) => ids.filter((id) => channelsOf(id, format).includes(channels!));
  if (name.models.length > 0) {
    // `{image}.npz` says only that it is one of the oldest models, if its latents can be.
    const isOldName = name.size === undefined;
    const models = isOldName ? fitting(name.models) : name.models;
    if (models.length > 0) return { candidates: models, by: isOldName ? 'channels' : 'name' };
  }
  return { candidates: fitting(MODEL_IDS), by: 'channels' };
}

function saidBy(metadata: ReadonlyMap<string, string>, format: FormatId | undefined): readonly ModelId[] {
  const modelsWhere = (key: string, nameOf: (id: ModelId) => string | undefined) => {
    const said = metadata.get(key);
    return said === undefined ? [] : MODEL_IDS.filter((id) => nameOf(id) === said);
  };
  switch (format) {
    case 'safetensors':
      return modelsWhere('model', (id) => id);
    case 'musubi':
      return modelsWhere('architecture', (id) => MUSUBI_MODELS[id]?.fullName);
    case 'ai-toolkit':
      if (metadata.get('latent_space_version') === 'sd2') return ['sd'];
      return modelsWhere('latent_space_version', (id) => AI_TOOLKIT_MODELS[id]?.latentSpaceVersion);
    default:
      return [];
  }
}

/** How many channels a file may have for a model: of some, normalised latents have others than raw ones. */
function channelsOf(id: ModelId, format: FormatId | undefined): number[] {
  const { latentChannels, normalisation } = MODELS[id];
  if (normalisation.kind !== 'patches') return [latentChannels];
  const patched = 4 * latentChannels;
  if (format === undefined || format === 'safetensors') return [latentChannels, patched];
  return [patched];
}

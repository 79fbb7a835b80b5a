/** Tells what a latent cache is, whoever wrote it. */
import type { ModelId } from '../model/catalog.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import type { FormatId } from '../trainers/trainer.js';
import { bucketOf, type CacheEntry, entriesOf, latentShape, valuesOf } from './entries.js';
import { hintsOf } from './hints.js';
import { formatOf, modelOf, type NameSays, readName } from './identify.js';
import { compareImage, findImagesOf, imageFolderOf } from './image-beside.js';
import { type CacheContents, readContents } from './read-contents.js';
import { acceptanceOfAiToolkit } from './readers/ai-toolkit.js';
import { acceptanceOfMusubi } from './readers/musubi.js';
import { acceptanceOfPlain } from './readers/plain.js';
import { acceptanceOfSdScripts } from './readers/sd-scripts.js';
import type { Subject } from './readers/subject.js';
import type { CacheInspection, InspectedArray, InspectedEntry } from './result.js';
import { statisticsOf } from './statistics.js';
import type { StoredArray } from './stored-array.js';

export interface InspectOptions {
  /** Where its image is. Default: beside it, or above `_latent_cache`. */
  readonly imageDir?: string;
  readonly binding?: NativeBinding;
}

/**
 * Reads a latent cache of any trainer and tells what it holds, of what image it is, and who accepts it. Nothing is written.
 * A file that is no latent cache has `format` null.
 *
 * @throws LatentCacheError `ERR_NO_INPUT` when there is no such file, `ERR_CACHE_CORRUPT` when it cannot be read or is damaged
 */
export async function inspectCache(file: string, options: InspectOptions = {}): Promise<CacheInspection> {
  const { binding = loadBinding() } = options;
  const contents = await readContents(file);
  const format = formatOf(contents);
  const name = readName(file, format, contents.container);
  const { entries, others } =
    format === undefined ? { entries: [], others: [...contents.arrays.keys()] } : entriesOf(contents, format);
  const channels = entries.map(({ latents }) => latentShape(latents)?.[0]).find((each) => each !== undefined);
  const model =
    format === undefined
      ? { candidates: [], by: 'channels' as const }
      : modelOf(contents, format, name, channels);
  const inspected = entries.map((entry) => inspectEntry(entry, contents, format!, model.candidates[0]));
  const subject: Subject = { contents, name, models: model.candidates, entries };
  return {
    path: file,
    container: contents.container,
    bytes: contents.bytes,
    crc32: contents.crc32,
    format: format ?? null,
    model,
    entries: inspected,
    otherArrays: [...others, ...contents.unknown],
    metadata: Object.fromEntries(contents.metadata),
    image:
      format === undefined ? null : await imageOf(contents, format, name, entries, options.imageDir, binding),
    acceptedBy:
      format === undefined
        ? []
        : [
            ...acceptanceOfSdScripts(subject),
            acceptanceOfMusubi(subject),
            acceptanceOfAiToolkit(subject),
            acceptanceOfPlain(subject),
          ],
    hints: inspected.flatMap((entry) => hintsOf(entry, model.candidates[0])),
  };
}

function inspectEntry(
  entry: CacheEntry,
  { metadata }: CacheContents,
  format: FormatId,
  model: ModelId | undefined,
): InspectedEntry {
  const { keySuffix, latents, latentsFlipped, alphaMask, originalSize, cropLtrb, framing, record } = entry;
  const shape = latentShape(latents);
  return {
    keySuffix,
    latents: inspectArray(latents),
    latentsFlipped: latentsFlipped === undefined ? null : inspectArray(latentsFlipped),
    alphaMask: alphaMask === undefined ? null : inspectMask(alphaMask),
    bucket: model === undefined || shape === undefined ? null : bucketOf(model, shape),
    originalSize: originalSize ?? null,
    cropLtrb: cropLtrb ?? null,
    framing: framing ?? null,
    values: (model && valuesOf(format, model, metadata)) ?? null,
    record: record ?? null,
  };
}

function inspectArray(array: StoredArray): InspectedArray {
  const { name, dtype, shape } = array;
  return { name, dtype, shape, statistics: statisticsOf(array) };
}

/** Masks of bytes go to 255, those of floats to 1. */
function inspectMask(array: StoredArray) {
  const inspected = inspectArray(array);
  return { ...inspected, coverage: inspected.statistics.mean / (array.dtype === 'uint8' ? 255 : 1) };
}

async function imageOf(
  { path, metadata, provenance }: CacheContents,
  format: FormatId,
  name: NameSays,
  entries: readonly CacheEntry[],
  imageDir: string | undefined,
  binding: NativeBinding,
) {
  const folder = imageDir ?? imageFolderOf(path);
  const fileName = format === 'ai-toolkit' ? metadata.get('filename') : undefined;
  const images = await findImagesOf(folder, name.stem, fileName, binding);
  const sizes = [name.size, ...entries.map(({ originalSize }) => originalSize)];
  const claims = { sizes: sizes.filter((size) => size !== undefined), records: [...provenance.values()] };
  return compareImage(images, claims, binding);
}

/** One cache file into another format, or the reason why not. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeError, writeFileAtomic } from '../cache/atomic-file.js';
import { crc32 } from '../cache/crc32.js';
import type { LatentDtype } from '../cache/latent-entry.js';
import { isApproximate, isSimulated } from '../cache/provenance.js';
import { setAside } from '../cache/set-aside.js';
import { inspectImage } from '../dataset/inspect-image.js';
import { LatentCacheError } from '../errors.js';
import { latentShape } from '../inspect/entries.js';
import { modelOf } from '../inspect/identify.js';
import { compareImage, findImagesOf, type InspectedImage } from '../inspect/image-beside.js';
import type { ModelFacts, ModelId } from '../model/catalog.js';
import { normaliseLatent, type PatchStatistics, rawLatent } from '../model/normalise.js';
import { outsideError, outsidePlace } from '../pipeline/output-group.js';
import type { LatentShape } from '../trainers/latent-shape.js';
import { keySuffix as plainKeySuffix } from '../trainers/safetensors/files.js';
import { sdScriptsModel } from '../trainers/sd-scripts/models.js';
import type { Trainer } from '../trainers/trainer.js';
import { assemble, type NewEntry } from './assemble.js';
import { type ChosenModels, chooseModels } from './choose-model.js';
import type { ConvertSettings } from './options.js';
import { type Placed, type PlacedEntry, place, type SourceImage } from './place.js';
import { convertRecord } from './record.js';
import { refuseFile } from './refuse.js';
import {
  aiToolkitItem,
  readLatents,
  readSource,
  type SourceFile,
  type SourceLatents,
  statisticsIn,
} from './source.js';

/** A file that was named or found, and where its image and its successor belong. */
export interface ConvertJob {
  readonly path: string;
  /** Found by its name alone, so that it may be no latent cache. */
  readonly isFound: boolean;
  /** The folder of its image. */
  readonly imageFolder: string;
  /** The folder above that of the new caches, which the new file must not leave. */
  readonly outFolder: string;
  readonly outRoot: string;
}

export interface ConvertedFile {
  readonly output: string;
  /** `unchanged`: it is there already, to the byte. */
  readonly state: 'written' | 'unchanged';
  readonly model: ModelId;
  readonly dtype: LatentDtype;
  readonly bytes: number;
  /** What the user should know, in words. */
  readonly notes: readonly string[];
}

/**
 * @param claim takes the name of the new file for this one; false when another has it already
 * @returns undefined for a file that was found by its name and is no latent cache
 * @throws LatentCacheError whose code says why it is not converted
 */
export async function convertFile(
  job: ConvertJob,
  settings: ConvertSettings,
  claim: (output: string) => boolean,
): Promise<ConvertedFile | undefined> {
  const file = await readSource(job.path);
  if (file === undefined || file.entries.length === 0) {
    if (job.isFound) return undefined;
    refuseFile('ERR_CONVERT_CONTENT', 'It is no latent cache', 'Name the files of a trainer’s latents.');
  }
  const models = chooseModels(guessOf(file), settings.model);
  checkVae(file, models, settings);
  const trainer = settings.trainerFor(models.target, {
    interpolation: undefined,
    upright: false,
    alphaMask: false,
  });
  const image = await findImage(file, job, settings);
  const latents = file.entries.map((entry) => readLatents(file, entry, models.source));
  const placed = place({ file, latents, models, image, settings });
  const statistics = settings.vae?.patchStatistics ?? statisticsIn(file.contents);
  const entries = placed.entries.map((entry) =>
    newEntry(entry, { file, models, placed, trainer, image, settings, statistics }),
  );
  checkTogether(entries, settings);
  const pieces = await assemble({
    to: settings.to,
    model: models.target,
    entries,
    item: placed.item,
    pixelsOf: placed.pixelsOf,
    statistics,
  });
  const output = path.join(job.outFolder, trainer.files.folder, placed.name);
  if (!claim(output)) {
    refuseFile(
      'ERR_NAME_COLLISION',
      `Another cache was converted into ${output}`,
      'Convert the one that is meant, by its name or with --from.',
    );
  }
  const state = await putFile(output, pieces, entries, job, trainer, settings);
  return {
    output,
    state,
    model: models.target.id,
    dtype: entries[0]!.dtype,
    bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
    notes: [...placed.notes, ...notesOf(file, placed.entries, trainer, models.target)],
  };
}

function guessOf({ contents, format, name, entries }: SourceFile) {
  const channels = entries.map(({ latents }) => latentShape(latents)?.[0]).find((each) => each !== undefined);
  return modelOf(contents, format, name, channels);
}

function checkVae(
  file: SourceFile,
  { source, target, needsFingerprint }: ChosenModels,
  { vae }: ConvertSettings,
): void {
  const made = file.entries.map(({ record }) => record?.recipe.vae);
  if (needsFingerprint && (vae === undefined || made.includes(undefined))) {
    refuseFile(
      'ERR_CONVERT_MODEL',
      `Nothing shows that ${source.title} and ${target.title} have the same VAE`,
      vae === undefined
        ? `Give the VAE of ${target.title} with --vae: the record of the cache says which it was made with.`
        : 'The cache has no record of its VAE; encode the images again.',
    );
  }
  if (vae === undefined || made.every((each) => each === undefined || each === vae.fingerprint)) return;
  refuseFile('ERR_CONVERT_MODEL', 'It was made with another VAE than --vae', 'Encode the image again.');
}

/** @throws LatentCacheError `ERR_CACHE_OUTDATED`, `ERR_NAME_COLLISION`, `ERR_IMAGE_*` */
async function findImage(
  file: SourceFile,
  { imageFolder }: ConvertJob,
  { binding }: ConvertSettings,
): Promise<SourceImage | undefined> {
  const { name, entries, contents } = file;
  const stem = name.stem;
  const images = await findImagesOf(imageFolder, stem, aiToolkitItem(file)?.fileName, binding);
  const sizes = [name.size, ...entries.map(({ originalSize }) => originalSize)];
  const claims = {
    sizes: sizes.filter((size) => size !== undefined),
    records: [...contents.provenance.values()],
  };
  const found = await compareImage(images, claims, binding);
  if (found === null) return undefined;
  checkImage(found);
  return {
    name: path.basename(found.path),
    info: await inspectImage(found.path, Number.POSITIVE_INFINITY, binding),
  };
}

function checkImage({ path: image, state, explanation }: InspectedImage): void {
  if (state === 'same' || state === 'fits') return;
  if (state === 'ambiguous')
    refuseFile('ERR_NAME_COLLISION', explanation, 'Rename the images: caches are told apart by their names.');
  if (state === 'unreadable')
    refuseFile(
      'ERR_IMAGE_UNREADABLE',
      explanation,
      'Restore the image, or take its cache out of the folder.',
    );
  refuseFile('ERR_CACHE_OUTDATED', `${image}: ${explanation}`, 'Encode the image again.');
}

interface EntryContext {
  readonly file: SourceFile;
  readonly models: ChosenModels;
  readonly placed: Placed;
  readonly trainer: Trainer;
  readonly image: SourceImage | undefined;
  readonly settings: ConvertSettings;
  readonly statistics: PatchStatistics | undefined;
}

function newEntry({ latents, geometry }: PlacedEntry, context: EntryContext): NewEntry {
  const { file, models, placed, trainer, image, settings, statistics } = context;
  const { to } = settings;
  const dtype = settings.dtype ?? (trainer.dtypes.includes(latents.dtype) ? latents.dtype : 'float32');
  const isScaled = latents.values !== trainer.values;
  if (isScaled || to === 'safetensors') checkStatistics(models.source, statistics);
  const change = (values: Float32Array) =>
    changeValues(values, latents, models.source, trainer.values, statistics);
  const { values, shape } = change(latents.latents);
  const { latentsFlipped, alphaMask, entry, posterior } = latents;
  const isHalf = latents.dtype !== 'float32';
  const record =
    entry.record &&
    convertRecord(entry.record, {
      to,
      model: models.target.id,
      dtype,
      // Latents of 16 bits in a wider type, or scaled, are not those that would be encoded.
      through: isHalf && (isScaled || dtype !== latents.dtype) ? latents.dtype : undefined,
      pixelsOf: placed.pixelsOf,
      turned: file.format === 'ai-toolkit' && (image?.info.orientation ?? 1) !== 1,
    });
  return {
    keySuffix: keySuffixOf(shape, context),
    shape,
    latents: values,
    latentsFlipped:
      trainer.keepsFlipped && latentsFlipped !== undefined ? change(latentsFlipped).values : null,
    alphaMask: trainer.keepsMasks && alphaMask !== undefined ? alphaMask : null,
    geometry,
    dtype,
    posterior,
    record,
  };
}

function checkStatistics(
  { normalisation, title }: ModelFacts,
  statistics: PatchStatistics | undefined,
): void {
  if (normalisation.kind !== 'patches' || statistics !== undefined) return;
  refuseFile(
    'ERR_CONVERT_CONTENT',
    `Raw and normalised latents of ${title} differ by statistics that are in its VAE alone, and the cache does not have them`,
    'Name the VAE with --vae.',
  );
}

function changeValues(
  values: Float32Array,
  { shape, values: held }: SourceLatents,
  model: ModelFacts,
  wanted: 'raw' | 'normalised',
  statistics: PatchStatistics | undefined,
): { values: Float32Array; shape: LatentShape } {
  if (held === wanted) return { values, shape };
  const change = wanted === 'raw' ? rawLatent : normaliseLatent;
  return change(model, values, shape, statistics);
}

function keySuffixOf(shape: LatentShape, { file, models, placed, settings }: EntryContext): string {
  switch (settings.to) {
    case 'safetensors':
      return plainKeySuffix(shape);
    case 'sd-scripts': {
      const isKept = file.format === 'sd-scripts' && file.entries.some(({ keySuffix }) => keySuffix !== '');
      const sized =
        sdScriptsModel(models.target).sizedKeys ||
        settings.multiResolutionKeys ||
        placed.entries.length > 1 ||
        (isKept && !settings.legacyName);
      return sized ? `_${shape[1]}x${shape[2]}` : '';
    }
    default:
      return '';
  }
}

/** What one file cannot hold together. */
function checkTogether(entries: readonly NewEntry[], { legacyName, to }: ConvertSettings): void {
  const refuse = (message: string) => refuseFile('ERR_CONVERT_CONTENT', message, 'Encode the image again.');
  if (legacyName && entries.length > 1)
    refuse('It holds several resolutions, and a file with the old name one');
  if (new Set(entries.map(({ keySuffix }) => keySuffix)).size < entries.length)
    refuse('It holds two latents of one size');
  const vaes = new Set(entries.map(({ record }) => record?.recipe.vae));
  if (to === 'safetensors' && vaes.size > 1) refuse('Its resolutions were made with different VAEs');
}

/** Writes the file, whole or not at all, unless it is there already. */
async function putFile(
  output: string,
  pieces: readonly Uint8Array[],
  entries: readonly NewEntry[],
  { outRoot }: ConvertJob,
  { files }: Trainer,
  { force, dryRun, binding }: ConvertSettings,
): Promise<ConvertedFile['state']> {
  const folder = path.dirname(output);
  const group = { folder, root: outRoot };
  const outside = await outsidePlace(group);
  if (outside !== undefined) throw outsideError(group, outside);
  const there = await files.open(output).catch((error: unknown) => {
    if (error instanceof LatentCacheError) return 'unreadable' as const;
    throw error;
  });
  if (there !== undefined) {
    const sound = there === 'unreadable' ? undefined : there;
    const sum = pieces.reduce((crc, piece) => crc32(piece, crc), 0);
    if (sound?.crc32 === sum) return 'unchanged';
    // Ours, and nothing in it is lost.
    const isReplaced = sound?.isOurs && [...sound.provenance.keys()].every((suffix) => has(entries, suffix));
    if (!isReplaced) {
      if (!force) {
        refuseFile(
          'ERR_CONVERT_EXISTS',
          `${output} is there, and latent-cache did not make ${sound?.isOurs ? 'only this in it' : 'it'}`,
          'Move it away, or add --force: then it is renamed.',
        );
      }
      if (!dryRun) await setAside(output, async () => false);
    }
  }
  if (dryRun) return 'written';
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw writeError(folder, cause);
  });
  await writeFileAtomic(output, pieces, binding);
  return 'written';
}

function has(entries: readonly NewEntry[], suffix: string): boolean {
  return entries.some(({ keySuffix }) => keySuffix === suffix);
}

function notesOf(
  { format }: SourceFile,
  entries: readonly PlacedEntry[],
  trainer: Trainer,
  model: ModelFacts,
): string[] {
  const holds = (name: 'latentsFlipped' | 'alphaMask') =>
    entries.some(({ latents }) => latents[name] !== undefined);
  const notes: string[] = [];
  if (holds('latentsFlipped') && !trainer.keepsFlipped)
    notes.push(`latents of the mirrored image were left out: a cache of ${trainer.format} has none`);
  if (holds('alphaMask') && !trainer.keepsMasks)
    notes.push(`the alpha mask was left out: a cache of ${trainer.format} has none`);
  const isSample = entries.some(({ latents }) => latents.posterior === 'sample');
  const takesMean = trainer.posterior === 'mean' && trainer.format !== format;
  const records = entries.flatMap(({ latents }) => latents.entry.record ?? []);
  if (records.some(({ encoder }) => isSimulated(encoder.backend)))
    notes.push('they were made by a simulated GPU, and are good for nothing');
  if (records.some(({ recipe }) => isApproximate(recipe.vae)))
    notes.push('they were made by a tiny encoder (TAESD), and only resemble those of the VAE');
  if (isSample && takesMean)
    notes.push(`they are a draw; ${trainer.format} takes the mean of ${model.title} latents`);
  return notes;
}

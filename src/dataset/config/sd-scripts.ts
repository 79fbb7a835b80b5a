/**
 * sd-scripts' dataset config. What holds for a subset is found as its BlueprintGenerator finds it: in the subset, else in its
 * data set, else in [general]; what is in none of them is left to the options of the command line, as for the trainer.
 */
import { INTERPOLATION_NAMES, type InterpolationName } from '../interpolation-names.js';
import type { Findings } from './findings.js';
import { BOOLEAN, FLOAT, INTEGER, type Kind, PATH, SIZE, STRING } from './kinds.js';
import { MAX_CONFIG_SECTIONS } from './limits.js';
import { DATASETS, GENERAL, homeOf, SUBSETS, type SubsetKind, TOP, USED } from './sd-scripts-keys.js';
import { readCachedInfo, readMetadata } from './sd-scripts-lists.js';
import { lookUp, noteIgnored, readSection, type Section, tablesOf } from './sections.js';
import { SeenPaths } from './seen-paths.js';
import type { ConfiguredSource, DatasetSettings } from './types.js';
import { type ConfigTable, isTable } from './values.js';

/** @throws LatentCacheError `ERR_DATASET_CONFIG` for what the trainer refuses, but for unknown keys, which are noted */
export async function readSdScripts(config: ConfigTable, findings: Findings): Promise<ConfiguredSource[]> {
  readSection(config, '', TOP, findings);
  const general = section(config.general ?? {}, 'general', GENERAL, findings);
  const datasets = tablesOf(config, 'datasets', '', MAX_CONFIG_SECTIONS, findings) ?? [];
  const sources: ConfiguredSource[][] = [];
  for (const [index, dataset] of datasets.entries()) {
    sources.push(await readDataset(dataset, `datasets[${index}]`, general, findings));
  }
  return sources.flat();
}

function section(table: unknown, place: string, schema: (typeof DATASETS)[SubsetKind], findings: Findings) {
  const read = readSection(table, place, schema, findings, homeOf);
  noteIgnored(read, USED, findings);
  return read;
}

async function readDataset(
  table: ConfigTable,
  place: string,
  general: Section,
  findings: Findings,
): Promise<ConfiguredSource[]> {
  const subsets = tablesOf(table, 'subsets', place, MAX_CONFIG_SECTIONS, findings) ?? [];
  const kind = kindOf(subsets, place, findings);
  const dataset = section(table, place, DATASETS[kind], findings);
  if (subsets.length === 0) findings.warnings.push(`${place} has no subsets and names no images.`);
  const seen = new SeenPaths();
  const sources: ConfiguredSource[][] = [];
  for (const [index, subset] of subsets.entries()) {
    const own = section(subset, `${place}.subsets[${index}]`, SUBSETS[kind], findings);
    const sections = [own, dataset, general];
    const read = await SUBSET_READERS[kind](sections, findings, seen);
    // the trainer does not look at what it leaves out
    if (read.length === 0) continue;
    const settings = settingsOf(sections, kind, findings);
    sources.push(read.map((source) => ({ ...source, settings })));
  }
  return sources.flat();
}

/** All subsets of a data set are of one kind, and one key tells which. */
function kindOf(subsets: readonly ConfigTable[], place: string, findings: Findings): SubsetKind {
  const have = (key: string) => subsets.filter((subset) => Object.hasOwn(subset, key)).length;
  if (have('conditioning_data_dir') === subsets.length) return 'controlnet';
  const withMetadata = have('metadata_file');
  if (withMetadata === subsets.length) return 'finetuning';
  if (withMetadata === 0) return 'dreambooth';
  return findings.refuse(
    `${place} has subsets with and without metadata_file`,
    'Put them into data sets of their own; the trainer does not mix them.',
  );
}

function settingsOf(sections: readonly Section[], kind: SubsetKind, findings: Findings): DatasetSettings {
  for (const key of ['color_aug', 'random_crop']) {
    const found = lookUp(sections, key, BOOLEAN);
    if (found?.value !== true) continue;
    findings.refuse(
      `${found.place}: with ${key} each step sees other pixels, which no cache can hold; the trainer refuses to cache too`,
      `Remove ${key}, or train without cached latents.`,
    );
  }
  // of the data set, whatever a subset says
  const shared = sections.slice(1);
  const take = <T>(
    name: keyof DatasetSettings,
    from: readonly Section[],
    key: string,
    kindOfValue: Kind<T>,
  ) => {
    const found = lookUp(from, key, kindOfValue);
    return found === undefined ? {} : { [name]: found.value };
  };
  return {
    ...take('resolution', shared, 'resolution', SIZE),
    ...take('enableBucket', shared, 'enable_bucket', BOOLEAN),
    ...take('minBucketReso', shared, 'min_bucket_reso', INTEGER),
    ...take('maxBucketReso', shared, 'max_bucket_reso', INTEGER),
    ...take('bucketResoSteps', shared, 'bucket_reso_steps', INTEGER),
    ...take('bucketNoUpscale', shared, 'bucket_no_upscale', BOOLEAN),
    ...take('flipAug', sections, 'flip_aug', BOOLEAN),
    ...(kind === 'controlnet' ? { alphaMask: false } : take('alphaMask', sections, 'alpha_mask', BOOLEAN)),
    ...interpolation(sections, findings),
  };
}

function interpolation(sections: readonly Section[], findings: Findings): DatasetSettings {
  const found = lookUp(sections, 'resize_interpolation', STRING);
  if (found === undefined) return {};
  if (!(INTERPOLATION_NAMES as readonly string[]).includes(found.value)) {
    findings.refuse(`${found.place} is none of ${INTERPOLATION_NAMES.join(', ')}`, 'Give one of these.');
  }
  return { resizeInterpolation: found.value as InterpolationName };
}

type SubsetReader = (
  sections: readonly Section[],
  findings: Findings,
  seen: SeenPaths,
) => Promise<Omit<ConfiguredSource, 'settings'>[]>;

const SUBSET_READERS: Readonly<Record<SubsetKind, SubsetReader>> = {
  dreambooth: readFolderSubset,
  controlnet: async (sections, findings, seen) => {
    required(sections, 'conditioning_data_dir', findings);
    return readFolderSubset(sections, findings, seen);
  },
  finetuning: readMetadataSubset,
};

async function readFolderSubset(
  sections: readonly Section[],
  findings: Findings,
  seen: SeenPaths,
): Promise<Omit<ConfiguredSource, 'settings'>[]> {
  const { place } = sections[0]!;
  const imageDir = required(sections, 'image_dir', findings);
  if (isLeftOut(sections, findings) || isDuplicate('image_dir', imageDir, place, findings, seen)) return [];
  seen.add(imageDir, place);
  const cached = lookUp(sections, 'cache_info', BOOLEAN)?.value
    ? await readCachedInfo(imageDir, place, findings)
    : undefined;
  if (cached === undefined) return [{ place, imageDir, recursive: false }];
  findings.warnings.push(
    `${place}: the images are those of ${cached.file}, as for the trainer; delete it when the folder has changed.`,
  );
  return cached.folders;
}

async function readMetadataSubset(
  sections: readonly Section[],
  findings: Findings,
  seen: SeenPaths,
): Promise<Omit<ConfiguredSource, 'settings'>[]> {
  const { place } = sections[0]!;
  const file = required(sections, 'metadata_file', findings);
  if (isLeftOut(sections, findings) || isDuplicate('metadata_file', file, place, findings, seen)) return [];
  const imageDir = lookUp(sections.slice(0, 1), 'image_dir', PATH)?.value;
  const folders = await readMetadata(file, imageDir, place, findings);
  if (folders.length > 0) seen.add(file, place);
  else {
    findings.warnings.push(`${place}: ${file} names no images; the trainer ignores the subset.`);
  }
  return folders;
}

function required(sections: readonly Section[], key: string, findings: Findings): string {
  const own = sections.slice(0, 1);
  return (
    lookUp(own, key, PATH)?.value ??
    findings.refuse(`${own[0]!.place} has no ${key}`, `Add ${key}; the trainer refuses the file without it.`)
  );
}

/** With num_repeats below 1 the trainer leaves a subset out, but for the part of it that validates. */
function isLeftOut(sections: readonly Section[], findings: Findings): boolean {
  const repeats = lookUp(sections, 'num_repeats', INTEGER);
  if (repeats === undefined || repeats.value >= 1) return false;
  const split = lookUp(sections.slice(1), 'validation_split', FLOAT)?.value ?? 0;
  const own = sections[0]!;
  const validates =
    split > 0 && split <= 1 && !own.values.has('metadata_file') && own.values.get('is_reg') !== true;
  if (!validates) {
    findings.warnings.push(`${own.place} is left out, as by the trainer: num_repeats is below 1.`);
  }
  return !validates;
}

/** Of subsets of one data set with the same folder or list the trainer takes the first. It compares the texts. */
function isDuplicate(
  key: string,
  value: string,
  place: string,
  findings: Findings,
  seen: SeenPaths,
): boolean {
  const first = seen.placeOf(value);
  if (first !== undefined) {
    findings.warnings.push(`${place} is left out, as by the trainer: ${first} has the same ${key}.`);
    return true;
  }
  const other = seen.otherWayOf(value);
  if (other !== undefined) {
    findings.warnings.push(
      `${place} and ${other.place} have one ${key}, written in two ways; the trainer does not notice it.`,
    );
  }
  return false;
}

/** Whether a config looks like one of sd-scripts: its data sets have subsets. */
export function isSdScripts(datasets: readonly unknown[]): boolean {
  return datasets.some((dataset) => isTable(dataset) && Object.hasOwn(dataset, 'subsets'));
}

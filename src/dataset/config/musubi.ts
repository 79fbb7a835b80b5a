/** musubi-tuner's dataset config. Its command line sets none of these options, so that every setting is known here. */
import type { Size } from '../bucket.js';
import type { Findings } from './findings.js';
import { BOOLEAN, INTEGER, INTEGERS, LIST, PATH, SIZE, STRING, TABLE } from './kinds.js';
import { MAX_CONFIG_SECTIONS } from './limits.js';
import { readMusubiList } from './musubi-list.js';
import { lookUp, noteIgnored, readSection, type Schema, type Section, tablesOf, within } from './sections.js';
import { SeenPaths } from './seen-paths.js';
import type { ConfiguredSource, DatasetSettings } from './types.js';
import { type ConfigTable, isTable } from './values.js';

const GENERAL: Schema = {
  caption_extension: STRING,
  batch_size: INTEGER,
  num_repeats: INTEGER,
  resolution: SIZE,
  enable_bucket: BOOLEAN,
  bucket_no_upscale: BOOLEAN,
};
const DATASET: Schema = {
  ...GENERAL,
  image_directory: PATH,
  image_jsonl_file: PATH,
  cache_directory: PATH,
  control_directory: PATH,
  multiple_target: BOOLEAN,
  fp_latent_window_size: INTEGER,
  fp_1f_clean_indices: INTEGERS,
  fp_1f_target_index: INTEGER,
  fp_1f_no_post: BOOLEAN,
  no_resize_control: BOOLEAN,
  control_resolution: SIZE,
};
/** Options of FramePack belong to its video latents. */
const IGNORED = ['batch_size', 'num_repeats', ...Object.keys(DATASET).filter((key) => key.startsWith('fp_'))];
const USED = new Set(Object.keys(DATASET).filter((key) => !IGNORED.includes(key)));

const VIDEO_KEYS = ['video_directory', 'video_jsonl_file'];
const IMAGE_KEYS = ['image_directory', 'image_jsonl_file'];
const RENAMED = new Map([
  ['flux_kontext_no_resize_control', 'no_resize_control'],
  ['qwen_image_edit_no_resize_control', 'no_resize_control'],
  ['qwen_image_edit_control_resolution', 'control_resolution'],
]);

/** ImageDataset's own. */
const DEFAULT_RESOLUTION: Size = { width: 960, height: 544 };

/** @throws LatentCacheError `ERR_DATASET_CONFIG` for what the trainer refuses, but for unknown keys, which are noted */
export async function readMusubi(config: ConfigTable, findings: Findings): Promise<ConfiguredSource[]> {
  readSection(config, '', { general: TABLE, datasets: LIST }, findings);
  const general = section(config.general ?? {}, 'general', GENERAL, findings);
  const datasets = tablesOf(config, 'datasets', '', MAX_CONFIG_SECTIONS, findings) ?? [];
  const sources: ConfiguredSource[][] = [];
  const cacheDirectories = new SeenPaths();
  for (const [index, table] of datasets.entries()) {
    const place = `datasets[${index}]`;
    refuseVideo(table, place, findings);
    const dataset = section(table, place, DATASET, findings);
    const read = await readDataset([dataset, general], findings);
    sources.push(read);
    const [first] = read;
    if (first !== undefined) checkCacheDirectory(first, cacheDirectories, findings);
  }
  return sources.flat();
}

function section(table: unknown, place: string, schema: Schema, findings: Findings): Section {
  const read = readSection(renamed(table, place, findings), place, schema, findings, (key) =>
    Object.hasOwn(DATASET, key) ? 'it belongs in [[datasets]]' : undefined,
  );
  noteIgnored(read, USED, findings);
  return read;
}

/** Old names of options, which the trainer still takes. */
function renamed(table: unknown, place: string, findings: Findings): unknown {
  if (!isTable(table) || !Object.keys(table).some((key) => RENAMED.has(key))) return table;
  const result = Object.assign(Object.create(null), table);
  for (const [old, name] of RENAMED) {
    if (!Object.hasOwn(result, old)) continue;
    if (Object.hasOwn(result, name)) findings.ignored.push({ key: old, place: within(place, old) });
    else result[name] = result[old];
    delete result[old];
  }
  return result;
}

function refuseVideo(table: ConfigTable, place: string, findings: Findings): void {
  const video = VIDEO_KEYS.find((key) => Object.hasOwn(table, key));
  if (video !== undefined) {
    findings.refuse(
      `${within(place, video)}: data sets of videos are not cached here, only images`,
      'Take it out of the file and cache the videos with the trainer.',
    );
  }
  if (!IMAGE_KEYS.some((key) => Object.hasOwn(table, key))) {
    findings.refuse(`${place} has neither image_directory nor image_jsonl_file`, 'Add one of them.');
  }
}

async function readDataset(sections: readonly Section[], findings: Findings): Promise<ConfiguredSource[]> {
  const { place } = sections[0]!;
  const read = {
    path: (key: string) => lookUp(sections, key, PATH)?.value,
    size: (key: string) => lookUp(sections, key, SIZE)?.value,
    flag: (key: string) => lookUp(sections, key, BOOLEAN)?.value ?? false,
  };
  const folder = read.path('image_directory');
  const file = read.path('image_jsonl_file');
  const captionExtension = lookUp(sections, 'caption_extension', STRING)?.value;
  const cacheDirectory = read.path('cache_directory') ?? folder;
  const multipleTarget = read.flag('multiple_target');
  const noResizeControl = read.flag('no_resize_control');
  const controlResolution = read.size('control_resolution');
  const settings: DatasetSettings = {
    resolution: read.size('resolution') ?? DEFAULT_RESOLUTION,
    enableBucket: read.flag('enable_bucket'),
    bucketNoUpscale: read.flag('enable_bucket') && read.flag('bucket_no_upscale'),
  };
  if (cacheDirectory === undefined) {
    return findings.refuse(
      `${place} has no cache_directory, which a list of images needs`,
      'Add cache_directory.',
    );
  }
  const common = {
    place,
    recursive: false as const,
    settings,
    cacheDirectory,
    ...(multipleTarget && { multipleTarget }),
    ...(noResizeControl && { noResizeControl }),
    ...(controlResolution !== undefined && { controlResolution }),
  };
  if (folder === undefined) {
    if (read.path('control_directory') !== undefined) {
      findings.ignored.push({ key: 'control_directory', place: within(place, 'control_directory') });
    }
    const folders = await readMusubiList(file!, multipleTarget, findings);
    return folders.map((listed) => ({ ...common, ...listed }));
  }
  if (file !== undefined) {
    findings.ignored.push({ key: 'image_jsonl_file', place: within(place, 'image_jsonl_file') });
  }
  if (captionExtension === undefined || captionExtension === '') {
    findings.warnings.push(`${place} has no caption_extension; the trainer stops at its first image.`);
  }
  const controlDirectory = read.path('control_directory');
  return [
    {
      ...common,
      imageDir: folder,
      ...(captionExtension !== undefined && { captionExtension }),
      ...(controlDirectory !== undefined && { controlDirectory }),
    },
  ];
}

/** The trainer compares the texts; two ways to write one folder pass, and then each data set deletes the other's caches. */
function checkCacheDirectory(
  { place, cacheDirectory }: ConfiguredSource,
  seen: SeenPaths,
  findings: Findings,
): void {
  const folder = cacheDirectory!;
  const remedy =
    'Give each data set a cache_directory of its own; without one it is the folder of the images.';
  const first = seen.placeOf(folder);
  if (first !== undefined) {
    findings.refuse(`${place} and ${first} have one cache directory, ${folder}`, remedy);
  }
  const other = seen.otherWayOf(folder);
  if (other !== undefined) {
    findings.refuse(
      `${place} and ${other.place} have one cache directory, written in two ways: ${folder} and ${other.text}`,
      remedy,
    );
  }
  seen.add(folder, place);
}

/** Whether a config looks like one of musubi-tuner. */
export function isMusubi(datasets: readonly unknown[]): boolean {
  const keys = [...IMAGE_KEYS, ...VIDEO_KEYS];
  return datasets.some((dataset) => isTable(dataset) && keys.some((key) => Object.hasOwn(dataset, key)));
}

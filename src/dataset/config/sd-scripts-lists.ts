/** sd-scripts' two lists of images: the metadata of the fine-tuning method, and what `cache_info` keeps beside the images. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { type Findings, refuseConfig } from './findings.js';
import { ImageList, listedSize } from './image-list.js';
import { type JsonLine, type JsonMember, readJsonLines, readJsonMembers } from './json-entries.js';
import type { ConfiguredSource } from './types.js';
import { type ConfigTable, describeValue, isPathText, shorten } from './values.js';

export type ListedFolder = Omit<ConfiguredSource, 'settings'>;

/**
 * A metadata file (`.json`, or `.jsonl` by its name): the images by folder. Keys are paths from `imageDir`, or absolute.
 *
 * @throws LatentCacheError `ERR_DATASET_CONFIG`
 */
export async function readMetadata(
  file: string,
  imageDir: string | undefined,
  place: string,
  findings: Findings,
): Promise<ListedFolder[]> {
  const list = new ImageList(file, findings);
  let trained = false;
  for (const [key, entry] of await readMetadataEntries(file)) {
    if (!path.isAbsolute(key) && imageDir === undefined) {
      refuseConfig(
        file,
        `'${shorten(key)}' is no absolute path, and the subset has no image_dir`,
        `Add image_dir to ${place}.`,
      );
    }
    trained ||= Object.hasOwn(entry, 'train_resolution');
    list.add(path.isAbsolute(key) ? key : path.join(imageDir!, key), sizeOf(entry, 'image_size', file, key));
  }
  if (trained) findings.ignored.push({ key: 'train_resolution', place: `${file}: train_resolution` });
  return foldersOf(list, place);
}

async function readMetadataEntries(file: string): Promise<Iterable<JsonMember>> {
  return file.endsWith('.jsonl') ? byImagePath(await readJsonLines(file), file) : readJsonMembers(file);
}

function* byImagePath(lines: Iterable<JsonLine>, file: string): Generator<JsonMember> {
  for (const { line, value } of lines) {
    const image = value.image_path;
    if (!isPathText(image)) {
      refuseConfig(
        file,
        `line ${line}: image_path must be a path, got ${describeValue(image)}`,
        'Correct the line.',
      );
    }
    yield [image, value];
  }
}

/** `metadata_cache.json` of a folder; undefined where there is none yet. Its keys count from the current folder. */
export async function readCachedInfo(
  imageDir: string,
  place: string,
  findings: Findings,
): Promise<{ file: string; folders: ListedFolder[] } | undefined> {
  const file = path.join(imageDir, 'metadata_cache.json');
  try {
    await access(file);
  } catch {
    return undefined;
  }
  const list = new ImageList(file, findings);
  for (const [key, entry] of await readJsonMembers(file))
    list.add(key, sizeOf(entry, 'resolution', file, key));
  return { file, folders: foldersOf(list, place) };
}

function sizeOf(entry: ConfigTable, key: string, file: string, image: string) {
  const value = entry[key];
  if (value === undefined || value === null) return {};
  const size = listedSize(value);
  if (size === undefined) {
    refuseConfig(
      file,
      `${key} of '${shorten(image)}' must be [width, height], got ${describeValue(value)}`,
      'Correct it, or remove it: the size is then read from the image.',
    );
  }
  return { size };
}

function foldersOf(list: ImageList, place: string): ListedFolder[] {
  return [...list.folders].map(([imageDir, images]) => ({
    place,
    imageDir,
    images: [...images.values()],
    recursive: false,
  }));
}

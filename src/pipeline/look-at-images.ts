/** The first look at images: their state, what the manifest knows, and the header where it does not know enough. */
import path from 'node:path';
import type { RecipeRecord } from '../cache/provenance.js';
import { legacyPath } from '../cache/sd-scripts.js';
import { hashImage } from '../dataset/hash-image.js';
import { checkPixels, type ImageInfo, inspectImage } from '../dataset/inspect-image.js';
import type { ErrorCode } from '../errors.js';
import { type FileState, sameState, stateAt } from '../manifest/file-state.js';
import type { CacheRow, FailureRow } from '../manifest/rows.js';
import type { RunManifest } from '../manifest/run-manifest.js';
import type { NativeBinding } from '../native/binding.js';
import { PACKAGE_VERSION } from '../package-version.js';
import { type FailedEvent, toFailure } from './events.js';
import type { ImageTable } from './image-table.js';
import { judgeRow, type KnownCache, rowOf } from './known-cache.js';
import { mapLimit } from './map-limit.js';
import type { BuildSettings } from './options.js';
import type { OutputGroup } from './output-group.js';
import { type PlannedImage, placeImage } from './plan-image.js';

/** Failures that lie in the content of an image alone: they come again until the file changes. */
const OWN_FAULTS: ReadonlySet<string> = new Set<ErrorCode>(['ERR_IMAGE_CORRUPT', 'ERR_IMAGE_FORMAT']);

/** File look-ups in flight; they wait for the disk more than for the processor. */
export const LOOKUPS = 16;

export interface LookContext {
  readonly table: ImageTable;
  readonly settings: BuildSettings;
  /** How caches will be made; undefined when every complete cache is to be kept. */
  readonly recipe: RecipeRecord | undefined;
  readonly manifest: RunManifest;
  readonly binding: NativeBinding;
}

export type Look =
  | { readonly item: PlannedImage; readonly known: KnownCache }
  /** `news`: the image's state, when the manifest is to know of the failure. */
  | { readonly failure: FailedEvent; readonly news: FileState | undefined };

/**
 * Looks at some images of one folder.
 *
 * @param names of its caches
 * @returns one look for each image from `first` on
 */
export async function lookAtImages(
  context: LookContext,
  group: OutputGroup,
  part: number,
  first: number,
  count: number,
  names: ReadonlySet<string>,
): Promise<Look[]> {
  const { table, manifest, binding } = context;
  const { inside, path: folder, images } = table.folders[part]!;
  const start = first - table.start(part);
  const some = images.slice(start, start + count);
  const rows = await manifest.rows(group.root, inside, some);
  const failed = await manifest.failures(group.root, inside, some);

  const paths = some.map((name) => path.join(folder, name));
  const cacheAt = rows.map((known) => {
    const at = paths.length;
    for (const { output } of known ?? []) paths.push(path.join(group.folder, output));
    return at;
  });
  const states = await binding.statFiles(paths);

  const looks: Look[] = [];
  const look = async (index: number): Promise<Look> => {
    const state = stateAt(states, index);
    try {
      const earlier = failed[index]?.[0];
      const failure = state && earlier && repeatedFailure(paths[index]!, state, earlier, context.settings);
      if (failure !== undefined) return { failure, news: undefined };
      const known = rows[index] ?? [];
      const files = new Map(known.map((row, at) => [row, stateAt(states, cacheAt[index]! + at)]));
      for (const row of known) if (!names.has(row.output)) manifest.forget(group.root, row);
      return await lookAtImage(context, first + index, paths[index]!, state, files, names);
    } catch (error) {
      return { failure: toFailure(paths[index]!, error), news: state };
    }
  };
  for await (const result of mapLimit(some.keys(), LOOKUPS, look)) looks.push(result);
  return looks;
}

async function lookAtImage(
  context: LookContext,
  image: number,
  file: string,
  state: FileState | undefined,
  rows: ReadonlyMap<CacheRow, FileState | undefined>,
  names: ReadonlySet<string>,
): Promise<Look> {
  const { settings, recipe, binding, table } = context;
  const known = await knownImage(file, state, [...rows.keys()]);
  const info = known.info ?? (await inspectImage(file, settings.maxPixels, binding));
  checkPixels(file, info.size, settings.maxPixels);
  // Not there a moment ago: with times that no row has, the next run looks at it again.
  const item = placeImage(table.image(image), info, state ?? { bytes: info.bytes, ...NEVER }, settings);
  // The old name is read first, so that it must be judged first.
  const shadowed = recipe === undefined && names.has(path.basename(legacyPath(file)));
  const row = shadowed ? undefined : rowOf(item, [...rows.keys()]);
  const sameBytes = known.sha256 === undefined ? undefined : known.sha256 === row?.sha256;
  return { item, known: judgeRow(item, row, row && rows.get(row), settings, recipe, sameBytes) };
}

const NEVER = { modified: 0n, changed: 0n };

/**
 * What rows tell of the image, when it is still the one that they are about: by its times, or by its hash where only those
 * changed.
 */
async function knownImage(
  file: string,
  state: FileState | undefined,
  rows: readonly CacheRow[],
): Promise<{ info?: ImageInfo; sha256?: string }> {
  if (state === undefined) return {};
  const same = rows.find(({ source }) => sameState(source, state));
  if (same !== undefined) return { info: { ...same.info, bytes: state.bytes } };
  const candidates = rows.filter(({ source }) => source.bytes === state.bytes);
  if (candidates.length === 0) return {};
  const sha256 = await hashImage(file);
  const touched = candidates.find((row) => row.sha256 === sha256);
  return touched === undefined ? { sha256 } : { info: { ...touched.info, bytes: state.bytes }, sha256 };
}

/** A failure that would come again: told without reading the image again. */
function repeatedFailure(
  file: string,
  state: FileState,
  { code, message, remedy, source, version }: FailureRow,
  settings: BuildSettings,
): FailedEvent | undefined {
  if (settings.retryFailed || !OWN_FAULTS.has(code) || version !== PACKAGE_VERSION) return undefined;
  if (!sameState(source, state)) return undefined;
  const own = { type: 'failed', path: file, code: code as ErrorCode, message } as const;
  return remedy === null ? own : { ...own, remedy };
}

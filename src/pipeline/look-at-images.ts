/** The first look at images: their state, what the manifest knows, and the header where it does not know enough. */
import path from 'node:path';
import type { RecipeRecord } from '../cache/provenance.js';
import { type ControlFiles, hasProblem } from '../dataset/control-files.js';
import { hashImage } from '../dataset/hash-image.js';
import { checkPixels, type ImageInfo, inspectImage } from '../dataset/inspect-image.js';
import { type ErrorCode, LatentCacheError } from '../errors.js';
import { type FileState, sameState, stateAt } from '../manifest/file-state.js';
import type { CacheRow, FailureRow } from '../manifest/rows.js';
import type { RunManifest } from '../manifest/run-manifest.js';
import type { NativeBinding } from '../native/binding.js';
import { PACKAGE_VERSION } from '../package-version.js';
import { type ControlImage, controlError, controlMark } from './control-images.js';
import { type FailedEvent, toFailure } from './events.js';
import type { ImageTable } from './image-table.js';
import { judgeRow, type KnownCache, rowIndex } from './known-cache.js';
import { mapLimit } from './map-limit.js';
import type { Target } from './options.js';
import type { OutputGroup } from './output-group.js';
import { type PlannedImage, placeImage } from './plan-image.js';

/** Failures that lie in the content of an image alone: they come again until the file changes. */
const OWN_FAULTS: ReadonlySet<string> = new Set<ErrorCode>(['ERR_IMAGE_CORRUPT', 'ERR_IMAGE_FORMAT']);

/** File look-ups in flight; they wait for the disk more than for the processor. */
export const LOOKUPS = 16;

export interface LookContext {
  readonly table: ImageTable;
  readonly target: Target;
  /** How caches will be made; undefined when every complete cache is to be kept. */
  readonly recipe: RecipeRecord | undefined;
  readonly manifest: RunManifest;
  readonly binding: NativeBinding;
}

export type Look =
  | {
      readonly item: PlannedImage;
      readonly known: KnownCache;
      /** undefined when they were not looked at, because the cache is kept. */
      readonly controls?: readonly ControlImage[];
    }
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
  const { table, manifest, binding, target } = context;
  const { inside, images } = table.folders[part]!;
  const start = first - table.start(part);
  const some = images.slice(start, start + count);
  const all = await manifest.rows(group.root, inside, some);
  const rows = all.map((known) => known?.filter(({ output }) => isOwn(output, target)));
  const failed = await manifest.failures(group.root, inside, some);

  const paths = some.map((_, index) => table.path(first + index));
  const cacheAt = rows.map((known) => {
    const at = paths.length;
    for (const { output } of known ?? []) paths.push(`${group.base}/${output}`);
    return at;
  });
  const controls = some.map((_, index) => controlsOf(context, first + index));
  const controlsAt = controls.map((files) => {
    const at = paths.length;
    paths.push(...pathsIn(files));
    return at;
  });
  const states = await binding.statFiles(paths);

  const subjects = some.map((_, index): Subject => {
    const known = rows[index] ?? [];
    for (const row of known)
      if (!names.has(path.posix.basename(row.output))) manifest.forget(group.root, row);
    return {
      image: first + index,
      path: paths[index]!,
      state: stateAt(states, index),
      rows: known,
      caches: known.map((_, at) => stateAt(states, cacheAt[index]! + at)),
      failure: failed[index]?.[0],
      controls: controls[index]!,
      controlStates: pathsIn(controls[index]!).map((_, at) => stateAt(states, controlsAt[index]! + at)),
    };
  });
  // Most are known, and a promise for each would cost more than the rest together.
  const looks = subjects.map((subject) => recall(context, subject, names));
  const unknown = [...looks.keys()].filter((index) => looks[index] === undefined);
  const look = (index: number) => lookAtImage(context, subjects[index]!, names);
  let next = 0;
  for await (const result of mapLimit(unknown, LOOKUPS, look)) looks[unknown[next++]!] = result;
  return looks as Look[];
}

/** A manifest has the caches of all trainers. */
function isOwn(output: string, { trainer: { files } }: Target): boolean {
  const folder = path.posix.dirname(output);
  return (folder === '.' ? '' : folder) === files.folder && files.isCache(path.posix.basename(output));
}

/** An image before it is looked at. */
interface Subject {
  readonly image: number;
  readonly path: string;
  /** undefined when it is no regular file. */
  readonly state: FileState | undefined;
  readonly rows: readonly CacheRow[];
  /** The state of each row's cache file. */
  readonly caches: readonly (FileState | undefined)[];
  readonly failure: FailureRow | undefined;
  readonly controls: ControlFiles;
  /** The state of each control image; undefined where it is no regular file. */
  readonly controlStates: readonly (FileState | undefined)[];
}

function pathsIn(files: ControlFiles): readonly string[] {
  return hasProblem(files) ? [] : files;
}

function controlsOf({ table, target }: LookContext, image: number): ControlFiles {
  return target.trainer.controls === undefined ? [] : (table.image(image).controls ?? []);
}

/** What the manifest tells of an image that is still as it was; undefined when its file must be opened. */
function recall(context: LookContext, subject: Subject, names: ReadonlySet<string>): Look | undefined {
  const { path: file, state, rows, failure } = subject;
  if (state === undefined) return undefined;
  const repeated = failure && repeatedFailure(file, state, failure, context.target);
  if (repeated !== undefined) return { failure: repeated, news: undefined };
  const same = rows.find(({ source }) => sameState(source, state));
  if (same === undefined) return undefined;
  const { controls, controlStates } = subject;
  if (hasProblem(controls) || controlStates.includes(undefined)) return undefined;
  try {
    const look = judge(context, subject, { ...same.info, bytes: state.bytes }, undefined, undefined, names);
    // Whoever is to be encoded needs to know the sizes of its control images.
    return controls.length === 0 || look.known.verdict === 'keep' ? look : undefined;
  } catch (error) {
    return { failure: toFailure(file, error), news: state };
  }
}

/** Opens an image of which too little is known. Never rejects. */
async function lookAtImage(
  context: LookContext,
  subject: Subject,
  names: ReadonlySet<string>,
): Promise<Look> {
  const { path: file, state, rows } = subject;
  const { target, binding } = context;
  try {
    // Only its times changed, perhaps: its hash tells.
    const candidates = rows.filter(({ source }) => source.bytes === state?.bytes);
    const sha256 = candidates.length === 0 ? undefined : await hashImage(file);
    const touched = candidates.find((row) => row.sha256 === sha256);
    const info = touched?.info ?? (await inspectImage(file, target.maxPixels, binding));
    const controls = await inspectControls(context, subject);
    return judge(
      context,
      subject,
      { ...info, bytes: state?.bytes ?? (info as ImageInfo).bytes },
      controls,
      sha256,
      names,
    );
  } catch (error) {
    return { failure: toFailure(file, error), news: state };
  }
}

/** @throws LatentCacheError `ERR_CONTROL_IMAGE` */
async function inspectControls(
  { target, binding }: LookContext,
  { path: file, controls, controlStates }: Subject,
): Promise<readonly ControlImage[]> {
  if (hasProblem(controls)) {
    const { problem, remedy } = controls;
    throw new LatentCacheError('ERR_CONTROL_IMAGE', `${file}: ${problem}`, { path: file, remedy });
  }
  const found: ControlImage[] = [];
  for (const [index, control] of controls.entries()) {
    try {
      const info = await inspectImage(control, target.maxPixels, binding);
      found.push({ path: control, info, state: controlStates[index] ?? { bytes: info.bytes, ...NEVER } });
    } catch (thrown) {
      throw controlError(control, thrown);
    }
  }
  return found;
}

/**
 * @param controls undefined when they were not looked at
 * @param sha256 of the image; undefined when it was not hashed
 * @throws LatentCacheError `ERR_IMAGE_*`, `ERR_NAME_TOO_LONG`
 */
function judge(
  { target, recipe, table }: LookContext,
  { image, path: file, state, rows, caches, controls: controlFiles, controlStates }: Subject,
  info: ImageInfo,
  controls: readonly ControlImage[] | undefined,
  sha256: string | undefined,
  names: ReadonlySet<string>,
): Exclude<Look, { failure: FailedEvent }> {
  checkPixels(file, info.size, target.maxPixels);
  // Not there a moment ago: with times that no row has, the next run looks at it again.
  const now = state ?? { bytes: info.bytes, ...NEVER };
  const item = placeImage(table.image(image), info, now, target, controls);
  // The old name is read first, so that it must be judged first.
  const first = target.trainer.files.readFirst?.(path.basename(file));
  const shadowed = recipe === undefined && first !== undefined && names.has(first);
  const at = shadowed ? -1 : rowIndex(item, rows);
  const sameBytes = sha256 === undefined ? undefined : sha256 === rows[at]?.sha256;
  const seen =
    controls ?? pathsIn(controlFiles).map((control, at) => ({ path: control, state: controlStates[at]! }));
  const mark = controlMark(target.trainer.controls, seen);
  const known = judgeRow(item, rows[at], caches[at], recipe, mark, sameBytes);
  return { item, known, ...(controls !== undefined && { controls }) };
}

const NEVER = { modified: 0n, changed: 0n };

/** A failure that would come again: told without reading the image again. */
function repeatedFailure(
  file: string,
  state: FileState,
  { code, message, remedy, source, version }: FailureRow,
  target: Target,
): FailedEvent | undefined {
  if (target.retryFailed || !OWN_FAULTS.has(code) || version !== PACKAGE_VERSION) return undefined;
  if (!sameState(source, state)) return undefined;
  const own = { type: 'failed', path: file, code: code as ErrorCode, message } as const;
  return remedy === null ? own : { ...own, remedy };
}

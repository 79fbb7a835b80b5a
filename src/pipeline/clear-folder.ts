/** What lies in an output folder besides the caches that belong there. */
import path from 'node:path';
import { removeAbandoned } from '../cache/atomic-file.js';
import { setAside } from '../cache/set-aside.js';
import { sameSize } from '../dataset/size.js';
import type { PlacedNames } from './name-conflicts.js';
import { isOurCache } from './our-cache.js';
import { type OutputGroup, prepareFolder } from './output-group.js';
import { targetOf } from './plan-image.js';
import type { StaleFile } from './stale-file.js';
import { FATE, type SurveyState } from './survey-state.js';

/** An output folder whose images have their fates. */
export interface SettledFolder {
  readonly group: OutputGroup;
  /** Images with a place, by base name. */
  readonly placed: PlacedNames;
  /** Names of its caches. */
  readonly caches: ReadonlySet<string>;
  /** Names that are kept although ours would go elsewhere. */
  readonly accepted: ReadonlySet<string>;
  /** Images where another program's file is where ours goes. */
  readonly foreign: ReadonlySet<number>;
  /** Images to be encoded. */
  readonly encode: readonly number[];
}

const STALE_NOTICES = {
  shadow: 'legacy-shadow',
  sibling: 'stale-sibling',
  foreign: 'foreign-cache',
} as const;

/**
 * Makes the folder ready for what will be written, and finds what would be read instead.
 *
 * @param names of its caches and temporary files
 * @throws LatentCacheError `ERR_OUTPUT_NOT_WRITABLE`, `ERR_DISK_FULL`, `ERR_CACHE_WRITE`
 */
export async function clearFolder(
  state: SurveyState,
  folder: SettledFolder,
  names: readonly string[],
): Promise<void> {
  const { group, placed, caches, accepted, foreign, encode } = folder;
  const { target } = state.context;
  const { files } = target.trainer;
  if (!target.leaveFiles) {
    await removeAbandoned(group.folder, names);
    if (encode.length > 0) {
      await prepareFolder(group.folder);
      state.folders.push(group.folder);
    }
  }
  const images = { sizesOf: (base: string) => placed.all(base).map((image) => state.listed(image)) };
  const stale = new Set<string>();
  for (const name of caches) {
    const found = accepted.has(name) ? undefined : files.inTheWay?.(name, images);
    if (found === undefined) continue;
    stale.add(name);
    await clearAway(state, placed.all(found.base).at(-1)!, path.join(group.folder, name), found.kind);
  }
  for (const image of foreign) {
    if (state.fates[image] === FATE.encode) {
      await clearAway(state, image, targetOf(state.plan(image)), 'foreign');
    }
  }
  reportClashes(state, folder, stale);
}

/** Sets aside at once what a complete cache makes useless; the rest waits for its new cache. */
async function clearAway(
  state: SurveyState,
  image: number,
  file: string,
  kind: StaleFile['kind'],
): Promise<void> {
  const { target } = state.context;
  state.notices.add(STALE_NOTICES[kind], file);
  if (target.stale === 'keep' || target.leaveFiles) return;
  if (state.fates[image] !== FATE.encode) {
    await setAside(file, (each) => isOurCache(target.trainer.files, each));
    return;
  }
  const { cachePath } = state.plan(image);
  const waiting = state.inTheWay.get(cachePath) ?? [];
  waiting.push({ path: file, kind, cachePath });
  state.inTheWay.set(cachePath, waiting);
}

/** Images whose cache is right and which the trainer will all the same take for another size. */
function reportClashes(
  state: SurveyState,
  { group, caches, encode }: SettledFolder,
  stale: ReadonlySet<string>,
): void {
  const { table, target } = state.context;
  // Elsewhere than beside the images the trainer does not look.
  if (target.outDir !== undefined) return;
  const names = encode
    .map((image) => path.basename(state.plan(image).cachePath))
    .filter((name) => !caches.has(name));
  for (const name of caches) if (!stale.has(name)) names.push(name);
  const [part] = group.parts;
  const start = table.start(part!);
  const { files } = target.trainer;
  files.visitTakenSizes?.(group.folder, table.folders[part!]!.images, names, (index, taken) => {
    const image = start + index;
    if (state.fates[image] === FATE.failed) return;
    if (!sameSize(taken, state.listed(image))) state.notices.add('name-clash', table.image(image).path);
  });
}

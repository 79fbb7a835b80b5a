/**
 * Everything that can be known before the first pixel is decoded: which images there are, where each belongs, what is
 * there already, what stands in the way.
 */
import type { RecipeRecord } from '../cache/provenance.js';
import type { Dataset } from './dataset.js';
import type { FailedEvent, NoticeEvent } from './events.js';
import { NoticeCollector } from './notices.js';
import type { Target } from './options.js';
import { outputBytes } from './output-bytes.js';
import { failSharedNames } from './shared-folders.js';
import type { StaleFile } from './stale-file.js';
import { surveyGroup } from './survey-group.js';
import { SurveyState } from './survey-state.js';
import { type ChosenImages, WorkList } from './work-list.js';

export interface Survey {
  /** Caches that there should be. */
  readonly total: number;
  readonly work: WorkList;
  /**
   * By cache path: files that are set aside when that cache is written, and not before, so that nothing is out of the
   * trainer's sight without a better one being there.
   */
  readonly inTheWay: ReadonlyMap<string, readonly StaleFile[]>;
  /** That caches will be written to. */
  readonly folders: readonly string[];
  readonly skipped: number;
  readonly failures: readonly FailedEvent[];
  /** Caches that are not made because of them. */
  readonly failedCaches: number;
  readonly notices: readonly NoticeEvent[];
  /** Bytes of the new files, before compression of masks. */
  readonly outputBytes: number;
}

export interface SurveyContext {
  readonly signal?: AbortSignal | undefined;
  onProgress(seen: number, total: number): void;
}

/**
 * @param dataset with one source for each target
 * @param recipeOf how caches of a target will be made; undefined when every complete cache is to be kept
 * @throws LatentCacheError `ERR_OUTPUT_NOT_WRITABLE`, `ERR_DISK_FULL`, `ERR_CACHE_WRITE`, `ERR_ABORTED`
 */
export async function surveyDataset(
  { sources, manifest, binding }: Dataset,
  targets: readonly Target[],
  recipeOf: (target: Target) => RecipeRecord | undefined,
  { signal, onProgress }: SurveyContext,
): Promise<Survey> {
  const total = sources.reduce((sum, { table }) => sum + table.length, 0);
  const notices = new NoticeCollector(targets.length > 1);
  let seen = 0;
  const onSeen = () => onProgress(++seen, total);
  const states: SurveyState[] = [];
  for (const [index, { table, groups }] of sources.entries()) {
    const target = targets[index]!;
    const context = { table, target, recipe: recipeOf(target), manifest, binding };
    const state = new SurveyState(context, notices, signal, onSeen);
    states.push(state);
    for (const group of groups) await surveyGroup(state, group);
  }
  if (sources.length > 1) failSharedNames(sources, states);
  const chosen = states.map(
    ({ context: { table, target }, chosen, bucketOf, buckets }): ChosenImages => ({
      target,
      table,
      chosen,
      bucketOf,
      buckets: buckets.list,
    }),
  );
  const work = new WorkList(chosen);
  const failures = states.flatMap((state) => state.failures);
  return {
    total,
    work,
    inTheWay: new Map(states.flatMap(({ inTheWay }) => [...inTheWay])),
    folders: [...new Set(states.flatMap(({ folders }) => folders))],
    skipped: total - work.length - failures.length,
    failures: distinct(failures),
    failedCaches: failures.length,
    notices: notices.events(),
    outputBytes: chosen.reduce((sum, each) => sum + outputBytes(each), 0),
  };
}

/** Most failures of an image are those of each of its caches. */
function distinct(failures: readonly FailedEvent[]): FailedEvent[] {
  const keyOf = ({ path, code, message }: FailedEvent) => `${code}\n${path}\n${message}`;
  return [...new Map(failures.map((failure) => [keyOf(failure), failure])).values()];
}

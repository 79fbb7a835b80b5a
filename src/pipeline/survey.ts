/**
 * Everything that can be known before the first pixel is decoded: which images there are, where each belongs, what is
 * there already, what stands in the way.
 */
import type { RecipeRecord } from '../cache/provenance.js';
import type { StaleFile } from '../cache/stale.js';
import type { Dataset } from './dataset.js';
import type { FailedEvent, NoticeEvent } from './events.js';
import { NoticeCollector } from './notices.js';
import type { BuildSettings } from './options.js';
import { surveyGroup } from './survey-group.js';
import { SurveyState } from './survey-state.js';
import { WorkList } from './work-list.js';

export interface Survey {
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
  readonly notices: readonly NoticeEvent[];
}

export interface SurveyContext {
  readonly signal?: AbortSignal | undefined;
  onProgress(seen: number, total: number): void;
}

/**
 * @param recipe how caches will be made; undefined when every complete cache is to be kept
 * @throws LatentCacheError `ERR_OUTPUT_NOT_WRITABLE`, `ERR_DISK_FULL`, `ERR_CACHE_WRITE`, `ERR_ABORTED`
 */
export async function surveyDataset(
  dataset: Dataset,
  settings: BuildSettings,
  recipe: RecipeRecord | undefined,
  { signal, onProgress }: SurveyContext,
): Promise<Survey> {
  const { table, groups, manifest, binding } = dataset;
  const notices = new NoticeCollector();
  const state = new SurveyState({ table, settings, recipe, manifest, binding }, notices, signal, onProgress);
  for (const group of groups) await surveyGroup(state, group);
  const { chosen, bucketOf, buckets, folders, inTheWay, failures } = state;
  return {
    total: table.length,
    work: new WorkList(table, settings, chosen, bucketOf, buckets.list),
    inTheWay,
    folders,
    skipped: table.length - chosen.length - failures.length,
    failures,
    notices: notices.events(),
  };
}

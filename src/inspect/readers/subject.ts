/** What the readers judge, and how they say it. */
import { MODELS, type ModelId } from '../../model/catalog.js';
import type { CacheEntry } from '../entries.js';
import type { NameSays } from '../identify.js';
import type { CacheContents } from '../read-contents.js';

export interface Subject {
  readonly contents: CacheContents;
  readonly name: NameSays;
  /** What its latents may be for. */
  readonly models: readonly ModelId[];
  readonly entries: readonly CacheEntry[];
}

/** Who reads latent caches. sd-scripts' generations differ in names and keys: see docs/inspect.md. */
export const READERS = {
  'sd-scripts-before-0.10': 'sd-scripts before 0.10',
  'sd-scripts-0.10': 'sd-scripts 0.10',
  'sd-scripts-since-pr-2269': 'sd-scripts since PR #2269',
  musubi: 'musubi-tuner',
  'ai-toolkit': 'ai-toolkit',
  safetensors: 'latent-cache’s own format',
} as const;
export type ReaderId = keyof typeof READERS;

/** Whether one reader takes a file for a cache that it can use. */
export interface Acceptance {
  readonly reader: ReaderId;
  readonly title: string;
  readonly accepted: boolean;
  /** For which models; empty when it is not accepted. */
  readonly models: readonly ModelId[];
  /** Why not, in words; empty when it is accepted. */
  readonly reasons: readonly string[];
  /** On which conditions it is used. */
  readonly notes: readonly string[];
}

/** What one reader says about a file as the cache of one model. */
export interface Verdict {
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
}

/** @param judge is asked for each model that the reader knows at all */
export function accept(
  reader: ReaderId,
  { models }: Subject,
  knows: (model: ModelId) => boolean,
  judge: (model: ModelId) => Verdict,
): Acceptance {
  const title = READERS[reader];
  const refused = (reasons: readonly string[]): Acceptance => ({
    reader,
    title,
    accepted: false,
    models: [],
    reasons,
    notes: [],
  });
  if (models.length === 0) return refused(['no model has latents of this shape']);
  const known = models.filter(knows);
  if (known.length === 0) {
    return refused([`it caches no ${models.map((id) => MODELS[id].title).join(' or ')} latents`]);
  }
  const verdicts = known.map((model) => ({ model, ...judge(model) }));
  const fitting = verdicts.filter(({ reasons }) => reasons.length === 0);
  // Of several models that do not fit, one is as good as another.
  if (fitting.length === 0) return refused(verdicts[0]!.reasons);
  return {
    reader,
    title,
    accepted: true,
    models: fitting.map(({ model }) => model),
    reasons: [],
    notes: fitting[0]!.notes,
  };
}

export function refusedContainer(reader: ReaderId, wanted: string): Acceptance {
  const reasons = [`it reads ${wanted} files only`];
  return { reader, title: READERS[reader], accepted: false, models: [], reasons, notes: [] };
}

export function describe({ dtype, shape }: { dtype: string; shape: readonly number[] }): string {
  return `${dtype} (${shape.join(', ')})`;
}

/** The types of floats that readers of safetensors latents take. */
export const TENSOR_FLOATS: readonly string[] = ['float16', 'bfloat16', 'float32'];

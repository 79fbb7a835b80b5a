/** Caches of images of different data sets that would have one name: two folders whose caches go to one place. */
import path from 'node:path';
import type { ListedSource } from './dataset.js';
import { targetOf } from './plan-image.js';
import { FATE, type SurveyState } from './survey-state.js';

/**
 * Fails the images whose caches are those of other images, in data sets before theirs.
 *
 * @param sources and what was found in each
 */
export function failSharedNames(sources: readonly ListedSource[], states: readonly SurveyState[]): void {
  const contested = contestedFolders(sources);
  if (contested.size === 0) return;
  /** Path of a cache → path of its image. */
  const owners = new Map<string, string>();
  for (const [index, { groups, table }] of sources.entries()) {
    const state = states[index]!;
    for (const { base, parts } of groups) {
      if (!contested.has(base)) continue;
      for (const part of parts) {
        for (let image = table.start(part); image < table.start(part + 1); image++) {
          if (state.fates[image] !== FATE.failed) claim(state, image, owners);
        }
      }
    }
    state.keepChosen((image) => state.fates[image] !== FATE.failed);
  }
}

function claim(state: SurveyState, image: number, owners: Map<string, string>): void {
  const item = state.plan(image);
  const cache = targetOf(item);
  const own = path.resolve(item.image.path);
  const owner = owners.get(cache);
  if (owner === undefined) owners.set(cache, own);
  if (owner === undefined || owner === own) return;
  state.fates[image] = FATE.failed;
  state.failures.push({
    type: 'failed',
    path: item.image.path,
    code: 'ERR_NAME_COLLISION',
    message: `${owner} and ${own} share one cache, ${cache}`,
    remedy: 'Rename one of them, or give their folders different places for caches.',
  });
}

/** That caches of more than one folder of images go to. */
function contestedFolders(sources: readonly ListedSource[]): Set<string> {
  const imageFolders = new Map<string, Set<string>>();
  for (const { groups, table } of sources) {
    for (const { base, parts } of groups) {
      const known = imageFolders.get(base) ?? new Set();
      imageFolders.set(base, known);
      for (const part of parts) known.add(path.resolve(table.folders[part]!.path));
    }
  }
  return new Set([...imageFolders].filter(([, folders]) => folders.size > 1).map(([base]) => base));
}

/** Images that are right by themselves and get into each other's way by their names. */
import path from 'node:path';
import { isPassDisabled, sizesByName } from '../cache/name-pass.js';
import { legacyPath } from '../cache/sd-scripts.js';
import type { FoundImage } from '../dataset/find-images.js';
import type { FailedEvent } from './events.js';
import type { NoticeCollector } from './notices.js';
import type { BuildSettings } from './options.js';
import { type PlannedImage, targetOf } from './plan-image.js';

/**
 * The trainer tells caches apart by the name without its extension: images that share one get each other's size or
 * latent, also when their sizes differ. None of them can be made right.
 */
export function withoutCollisions(
  items: readonly PlannedImage[],
  settings: BuildSettings,
  failures: FailedEvent[],
): PlannedImage[] {
  const kept: PlannedImage[] = [];
  const collide = (group: readonly PlannedImage[], message: string) => {
    for (const { image } of group) {
      const remedy =
        'Rename it: the trainer tells caches apart by the name of the image without its extension.';
      failures.push({ type: 'failed', path: image.path, code: 'ERR_NAME_COLLISION', message, remedy });
    }
  };
  const baseOf = (item: PlannedImage) =>
    path.join(path.dirname(targetOf(item)), path.basename(legacyPath(item.image.path)));
  const byCache = new Map(items.map((item) => [targetOf(item), item]));
  for (const [base, group] of groupBy(items, baseOf)) {
    const shadow = settings.legacyName ? undefined : byCache.get(base);
    if (shadow !== undefined) {
      collide(
        group,
        `the cache of ${shadow.image.path} has the name that is read first for ${group[0]!.image.path}`,
      );
    } else if (group.length > 1) {
      collide(group, `${group.map(({ image }) => image.path).join(' and ')} share one cache`);
    } else if (settings.legacyName && base.endsWith(`_${settings.suffix}.npz`)) {
      collide(
        group,
        `${base} would look like a new-style cache with a broken name, on which the trainer stops`,
      );
    } else {
      kept.push(group[0]!);
    }
  }
  return kept;
}

/** Images whose cache is right and which the trainer will all the same take for another size. */
export function reportNameClashes(
  images: readonly FoundImage[],
  planned: readonly PlannedImage[],
  names: ReadonlyMap<string, readonly string[]>,
  settings: BuildSettings,
  notices: NoticeCollector,
): void {
  // Elsewhere than beside the images the trainer does not look, and old-style names it does not match.
  if (settings.outDir !== undefined || settings.legacyName) return;
  const imagesByFolder = groupBy(images, ({ path: file }) => path.dirname(path.resolve(file)));
  for (const [folder, items] of groupBy(planned, (item) => path.dirname(targetOf(item)))) {
    if (isPassDisabled(folder)) continue;
    const caches = new Set(items.map(({ cachePath: file }) => path.basename(file)));
    for (const name of names.get(folder) ?? [])
      if (name.endsWith(`_${settings.suffix}.npz`)) caches.add(name);
    const imageNames = (imagesByFolder.get(folder) ?? []).map(({ path: file }) => path.basename(file));
    const sizes = sizesByName(imageNames, [...caches]);
    for (const { image, listed } of items) {
      const taken = sizes.get(path.basename(image.path));
      if (taken === undefined || (taken.width === listed.width && taken.height === listed.height)) continue;
      notices.add('name-clash', image.path);
    }
  }
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

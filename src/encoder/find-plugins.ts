import { existsSync } from 'node:fs';
import path from 'node:path';
import { addonFolder } from '../native/load.js';

/** Paths of those of the named plug-ins that were built with the addon; they lie beside it. */
export function findPlugins(
  names: readonly string[],
  folder: string | undefined = addonFolder(),
): readonly string[] {
  if (folder === undefined) return [];
  return names.map((name) => path.join(folder, name)).filter((file) => existsSync(file));
}

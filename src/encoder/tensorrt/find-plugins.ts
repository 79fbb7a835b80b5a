import { existsSync } from 'node:fs';
import path from 'node:path';
import { addonFolder } from '../../native/load.js';

/** The newest first. */
const PLUGINS = ['liblatent_cache_trt11.so', 'liblatent_cache_trt10.so'];

/** Paths of the TensorRT plug-ins that were built with the addon; they lie beside it. */
export function findPlugins(folder: string | undefined = addonFolder()): string[] {
  if (folder === undefined) return [];
  return PLUGINS.map((name) => path.join(folder, name)).filter((file) => existsSync(file));
}

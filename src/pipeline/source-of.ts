import type { SourceSettings } from './dataset.js';
import type { Target } from './options.js';

/** Which images a target has, and where its caches are. */
export function sourceOf({ inputs, images, except, recursive, outDir, trainer }: Target): SourceSettings {
  return { inputs, recursive, outDir, listed: images, except, rules: trainer.images, files: trainer.files };
}

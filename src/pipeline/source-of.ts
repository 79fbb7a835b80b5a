import type { SourceSettings } from './dataset.js';
import type { Target } from './options.js';

/** Which images a target has, and where its caches are. */
export function sourceOf(target: Target): SourceSettings {
  const { inputs, images, except, recursive, outDir, trainer, controlDirectory } = target;
  const { images: rules, files, controls } = trainer;
  return { inputs, recursive, outDir, listed: images, except, rules, files, controls, controlDirectory };
}

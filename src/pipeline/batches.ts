import type { BuildSettings } from './options.js';
import type { PlannedImage } from './plan-image.js';
import { memoryOf } from './prepare-image.js';

/**
 * Cuts the work into batches of one bucket each. A batch is shorter than asked for where its pixels together would
 * not fit the memory budget while its last image is being decoded, so that waiting for memory always ends.
 *
 * @param work sorted by bucket
 */
export function cutBatches(
  work: readonly PlannedImage[],
  size: number,
  settings: BuildSettings,
): PlannedImage[][] {
  const batches: PlannedImage[][] = [];
  let current: PlannedImage[] = [];
  let held = 0;
  for (const item of work) {
    const { preparing, prepared } = memoryOf(item, settings);
    const first = current[0];
    const fits =
      first !== undefined &&
      current.length < size &&
      sameBucket(first, item) &&
      held + preparing <= settings.memoryBudget;
    if (!fits) {
      current = [];
      batches.push(current);
      held = 0;
    }
    current.push(item);
    held += prepared;
  }
  return batches;
}

function sameBucket(a: PlannedImage, b: PlannedImage): boolean {
  return (
    a.geometry.bucket.width === b.geometry.bucket.width &&
    a.geometry.bucket.height === b.geometry.bucket.height
  );
}

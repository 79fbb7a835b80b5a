/** Which engines a run needs. */
import type { Size } from '../../dataset/bucket.js';
import type { PlannedSize } from '../encoder.js';
import { type EngineSpec, staticSpec } from './engine-spec.js';
import type { Precision } from './precision.js';

/** With fewer images, minutes of building would cost more than a slower engine. */
const OWN_ENGINE_IMAGES = 64;
/** The range of a shared engine is widened to multiples of this many pixels, so that it serves the next run as well. */
const RANGE_STEP = 256;

/**
 * An engine of its own for each size with many images, one with free sides for all the others. A size stays alone
 * when it is the only one that would be shared, or when the shared range would be more than the network can address.
 *
 * @param allows whether one image of that size is within the limits of the network.
 */
export function planEngines(
  sizes: readonly PlannedSize[],
  precision: Precision,
  allows: (size: Size) => boolean,
): EngineSpec[] {
  const possible = sizes.filter(allows);
  const many = possible.filter(({ images }) => images >= OWN_ENGINE_IMAGES);
  const few = possible.filter(({ images }) => images < OWN_ENGINE_IMAGES);
  if (few.length > 1) {
    const shared = sharedSpec('shared', few, precision);
    if (allows(shared.largest)) return [...own(many, precision), shared];
  }
  return own(possible, precision);
}

function own(sizes: readonly Size[], precision: Precision): EngineSpec[] {
  return sizes.map(({ width, height }) => staticSpec('bucket', precision, { width, height }));
}

/** One engine for a range of sizes; its kernels are chosen for the most frequent. */
export function sharedSpec(
  purpose: EngineSpec['purpose'],
  sizes: readonly PlannedSize[],
  precision: Precision,
): EngineSpec {
  const widths = sizes.map(({ width }) => width);
  const heights = sizes.map(({ height }) => height);
  const down = (side: number) => Math.max(RANGE_STEP, Math.floor(side / RANGE_STEP) * RANGE_STEP);
  const up = (side: number) => Math.ceil(side / RANGE_STEP) * RANGE_STEP;
  const [first, ...rest] = sizes;
  const typical = rest.reduce((best, size) => (size.images > best.images ? size : best), first!);
  return {
    purpose,
    precision,
    size: 'dynamic',
    smallest: {
      width: Math.min(down(Math.min(...widths)), ...widths),
      height: Math.min(down(Math.min(...heights)), ...heights),
    },
    typical: { width: typical.width, height: typical.height },
    largest: { width: up(Math.max(...widths)), height: up(Math.max(...heights)) },
    sizes: sizes.map(({ width, height }) => ({ width, height })),
  };
}

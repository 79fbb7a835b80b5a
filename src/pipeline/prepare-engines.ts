import type { PlannedSize, PreparationProgress, SampleImage } from '../encoder/encoder.js';
import type { Governor, MemoryPlan } from '../memory/governor.js';
import type { NativeBinding } from '../native/binding.js';
import { PixelPool } from '../pixels/pixel-pool.js';
import { prepareImage } from './prepare-image.js';
import type { WorkList } from './work-list.js';

/** Images that an encoder gets to see before it starts. */
const SAMPLES = 8;

/**
 * Lets the encoder do what it can before the first image: with all sizes known, it chooses its engines well, and the
 * batches of all buckets are planned.
 *
 * @returns null when the encoder knows nothing about its memory
 * @throws LatentCacheError ERR_ABORTED, and what `Encoder.prepare` throws
 */
export async function prepareEngines(
  governor: Governor,
  work: WorkList,
  binding: NativeBinding,
  onProgress: (progress: PreparationProgress) => void,
  signal: AbortSignal,
): Promise<MemoryPlan | null> {
  return governor.prepare(countSizes(work), {
    samples: () => takeSamples(work, binding),
    onProgress,
    signal,
  });
}

/** Passes through the encoder by size, the largest first. */
export function countSizes({ buckets }: Pick<WorkList, 'buckets'>): PlannedSize[] {
  return buckets.map(({ width, height, passes }) => ({ width, height, images: passes }));
}

/** Images spread evenly over the work, and so over its buckets. One that cannot be read is left out here. */
async function takeSamples(work: WorkList, binding: NativeBinding): Promise<SampleImage[]> {
  const count = Math.min(SAMPLES, work.images);
  const chosen = Array.from({ length: count }, (_, index) =>
    work.at(Math.floor((index * work.images) / count)),
  );
  const pool = new PixelPool(0);
  const samples: SampleImage[] = [];
  for (const unit of chosen) {
    for (const { rgb, variant } of await prepareImage(unit, binding, pool).catch(() => [])) {
      samples.push({ pixels: rgb, ...variant.geometry.bucket });
    }
  }
  return samples;
}

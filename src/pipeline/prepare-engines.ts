import type { PlannedSize, PreparationProgress, SampleImage } from '../encoder/encoder.js';
import type { Governor, MemoryPlan } from '../memory/governor.js';
import type { NativeBinding } from '../native/binding.js';
import { PixelPool } from '../pixels/pixel-pool.js';
import type { BuildSettings } from './options.js';
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
  settings: BuildSettings,
  binding: NativeBinding,
  onProgress: (progress: PreparationProgress) => void,
  signal: AbortSignal,
): Promise<MemoryPlan | null> {
  return governor.prepare(countSizes(work, settings), {
    samples: () => takeSamples(work, settings, binding),
    onProgress,
    signal,
  });
}

/** Passes through the encoder by size: a mirrored image is one more. */
export function countSizes({ buckets }: WorkList, { flipAug }: BuildSettings): PlannedSize[] {
  return buckets.map(({ width, height, images }) => ({
    width,
    height,
    images: flipAug ? 2 * images : images,
  }));
}

/** Images spread evenly over the work, and so over its buckets. One that cannot be read is left out here. */
async function takeSamples(
  work: WorkList,
  settings: BuildSettings,
  binding: NativeBinding,
): Promise<SampleImage[]> {
  const count = Math.min(SAMPLES, work.length);
  const chosen = Array.from({ length: count }, (_, index) =>
    work.at(Math.floor((index * work.length) / count)),
  );
  const pool = new PixelPool(0);
  const samples: SampleImage[] = [];
  for (const item of chosen) {
    const image = await prepareImage(item, settings, binding, pool).catch(() => undefined);
    if (image !== undefined) samples.push({ pixels: image.rgb, ...item.geometry.bucket });
  }
  return samples;
}

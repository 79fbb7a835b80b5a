import type { BucketCount, PlanEvent, ProgressEvent } from './events.js';
import type { BuildSettings } from './options.js';
import type { PlannedImage } from './plan-image.js';
import type { Survey } from './survey.js';

/** Rate and remaining time of a run. */
export class ProgressMeter {
  private readonly total: number;
  private readonly areaTotal: number;
  private done = 0;
  private areaDone = 0;
  private readonly started = performance.now();

  constructor(work: readonly PlannedImage[]) {
    this.total = work.length;
    this.areaTotal = areaOf(work);
  }

  /** Counts one batch as settled. Time goes by pixels, not by images: buckets differ in size. */
  advance(batch: readonly PlannedImage[]): ProgressEvent {
    this.done += batch.length;
    this.areaDone += areaOf(batch);
    const seconds = (performance.now() - this.started) / 1000;
    return {
      type: 'progress',
      done: this.done,
      total: this.total,
      imagesPerSecond: this.done / seconds,
      secondsLeft: this.areaDone > 0 ? ((this.areaTotal - this.areaDone) * seconds) / this.areaDone : null,
      bucket: batch[0]!.geometry.bucket,
      batch: batch.length,
      rssBytes: process.memoryUsage.rss(),
    };
  }
}

function areaOf(items: readonly PlannedImage[]): number {
  return items.reduce((sum, { geometry: { bucket } }) => sum + bucket.width * bucket.height, 0);
}

export function planEvent(survey: Survey, settings: BuildSettings): PlanEvent {
  const buckets = new Map<string, { width: number; height: number; images: number }>();
  let outputBytes = 0;
  for (const { geometry, latentShape } of survey.work) {
    const { width, height } = geometry.bucket;
    const name = `${width}x${height}`;
    const count = buckets.get(name) ?? { width, height, images: 0 };
    count.images++;
    buckets.set(name, count);
    outputBytes += fileBytes(latentShape, width * height, settings);
  }
  return {
    type: 'plan',
    total: survey.total,
    toEncode: survey.work.length,
    skipped: survey.skipped,
    failed: survey.failures.length,
    buckets: [...buckets.values()] satisfies BucketCount[],
    outputBytes,
  };
}

/** Names, headers, sizes and the record, besides the arrays. */
const CONTAINER_BYTES = 2048;

function fileBytes(shape: readonly number[], bucketArea: number, settings: BuildSettings): number {
  const latent = shape.reduce((product, side) => product * side, settings.dtype === 'float32' ? 4 : 2);
  return CONTAINER_BYTES + latent * (settings.flipAug ? 2 : 1) + (settings.alphaMask ? bucketArea * 4 : 0);
}

import type { Bucket } from '../dataset/bucket.js';
import type { PlanEvent, ProgressEvent } from './events.js';
import type { BuildSettings } from './options.js';
import { latentShape, type PlannedImage } from './plan-image.js';
import type { Survey } from './survey.js';
import type { WorkList } from './work-list.js';

/** Rate and remaining time of a run. */
export class ProgressMeter {
  private readonly total: number;
  private readonly areaTotal: number;
  private done = 0;
  private areaDone = 0;
  private readonly started = performance.now();

  constructor(work: WorkList) {
    this.total = work.length;
    this.areaTotal = work.buckets.reduce(
      (sum, { width, height, images }) => sum + width * height * images,
      0,
    );
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

export function planEvent({ work, total, skipped, failures }: Survey, settings: BuildSettings): PlanEvent {
  return {
    type: 'plan',
    total,
    toEncode: work.length,
    skipped,
    failed: failures.length,
    buckets: work.buckets,
    outputBytes: work.buckets.reduce((sum, bucket) => sum + bucket.images * fileBytes(bucket, settings), 0),
  };
}

/** Names, headers, sizes and the record, besides the arrays. */
const CONTAINER_BYTES = 2048;

function fileBytes(bucket: Bucket, settings: BuildSettings): number {
  const [channels, height, width] = latentShape(bucket, settings.model);
  const latent = channels * height * width * (settings.dtype === 'float32' ? 4 : 2);
  const mask = settings.alphaMask ? bucket.width * bucket.height * 4 : 0;
  return CONTAINER_BYTES + latent * (settings.flipAug ? 2 : 1) + mask;
}

import type { PlanEvent, ProgressEvent } from './events.js';
import type { PreparedImage } from './prepare-image.js';
import type { Survey } from './survey.js';
import type { WorkList } from './work-list.js';
import type { Variant, WorkUnit } from './work-unit.js';

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
  advance(images: readonly PreparedImage[]): ProgressEvent {
    for (const { variant } of images) this.count(variant);
    return this.event(images[0]!.variant, images.length);
  }

  /** Counts an image that could not be prepared. */
  skip({ variants }: WorkUnit): ProgressEvent {
    for (const variant of variants) this.count(variant);
    return this.event(variants[0], 0);
  }

  private count({ geometry: { bucket }, control, caches }: Variant): void {
    // A cache counts with its image.
    if (control !== undefined) return;
    this.done += caches.length;
    this.areaDone += bucket.width * bucket.height * caches.length;
  }

  private event({ geometry: { bucket } }: Variant, batch: number): ProgressEvent {
    const seconds = (performance.now() - this.started) / 1000;
    return {
      type: 'progress',
      done: this.done,
      total: this.total,
      imagesPerSecond: this.done / seconds,
      secondsLeft: this.areaDone > 0 ? ((this.areaTotal - this.areaDone) * seconds) / this.areaDone : null,
      bucket,
      batch,
      rssBytes: process.memoryUsage.rss(),
    };
  }
}

export function planEvent({ work, total, skipped, failedCaches, outputBytes }: Survey): PlanEvent {
  return {
    type: 'plan',
    total,
    toEncode: work.length,
    toDecode: work.images,
    skipped,
    failed: failedCaches,
    buckets: work.buckets
      .filter(({ images }) => images > 0) // others have control images alone
      .map(({ width, height, images }) => ({ width, height, images })),
    outputBytes,
  };
}

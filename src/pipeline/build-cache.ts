import { availableParallelism } from 'node:os';
import path from 'node:path';
import { syncFolder } from '../cache/atomic-file.js';
import type { RecipeRecord } from '../cache/provenance.js';
import { setAside } from '../cache/stale.js';
import type { Encoder } from '../encoder/encoder.js';
import { asLatentCacheError, type ErrorCode, type LatentCacheError } from '../errors.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import { PixelPool } from '../pixels/pixel-pool.js';
import { cutBatches } from './batches.js';
import { ByteBudget } from './byte-budget.js';
import { Channel } from './channel.js';
import { type EncodedImage, encodeImages, type Making, storeImage } from './encode-batch.js';
import { type BuildEvent, describeError, type FailedEvent, type SummaryEvent, toFailure } from './events.js';
import { mapLimit } from './map-limit.js';
import { NoticeCollector } from './notices.js';
import { type BuildOptions, type BuildSettings, resolveOptions } from './options.js';
import type { PlannedImage } from './plan-image.js';
import { type EncoderSource, prepareEncoder } from './prepare-encoder.js';
import { prepareEngines } from './prepare-engines.js';
import { memoryOf, type PreparedImage, prepareImage, recycle } from './prepare-image.js';
import { ProgressMeter, planEvent } from './progress-meter.js';
import { type Survey, surveyDataset } from './survey.js';

/** Batches between "pixels are ready" and "on disk", besides those that compute: one waits, one is written. */
const BATCHES_AROUND_ENCODER = 2;
/** So many images in a row with one error, and the run is given up: the next would fail in the same way. */
const STRIKES: Readonly<Partial<Record<ErrorCode, number>>> = {
  ERR_DISK_FULL: 1,
  ERR_ENCODER_DISPOSED: 1,
  ERR_DEVICE_LOST: 1,
  ERR_OUTPUT_NOT_WRITABLE: 3,
  ERR_ENCODER: 3,
  ERR_ENGINE_BUILD: 3,
  ERR_CACHE_WRITE: 5,
  ERR_OUT_OF_MEMORY: 10,
  ERR_DEVICE_OUT_OF_MEMORY: 10,
  ERR_NON_FINITE: 20,
};
const EVENTS_WAITING = 256;

/**
 * Makes latent caches of image folders. Iterate to the end: the last event is the summary. Leaving the loop early, or
 * aborting the signal, finishes and writes what the encoder has begun and starts nothing else.
 *
 * A bad image is a `failed` event and never ends the run. The iteration throws only when nothing can run at all.
 *
 * @throws LatentCacheError `ERR_OPTION`, `ERR_NO_INPUT`, `ERR_MODEL_*`, `ERR_NON_FINITE` (NaN among the weights),
 * `ERR_BACKEND_MISSING`, `ERR_ADDON_MISSING`, `ERR_ENCODER` and `ERR_OUT_OF_MEMORY` (the encoder does not start),
 * `ERR_CUDA_*`, `ERR_NO_DEVICE`, `ERR_TENSORRT_*`, `ERR_DEVICE_*` and `ERR_ENGINE_BUILD` (nor does the GPU's),
 * `ERR_OUTPUT_NOT_WRITABLE`, or `ERR_ABORTED` when the signal came before any encoding
 */
export async function* buildCache(options: BuildOptions): AsyncGenerator<BuildEvent, void, void> {
  const settings = resolveOptions(options);
  const channel = new Channel<BuildEvent>(EVENTS_WAITING);
  const stop = new AbortController();
  const run = new BuildRun(options, settings, channel, stop);
  const onAbort = () => stop.abort();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  const finished = run.run().then(
    () => channel.end(),
    (error: unknown) => channel.fail(error),
  );
  try {
    yield* channel;
  } finally {
    stop.abort();
    await finished;
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** Passes on a call every tenth of a second, and the last one. */
function everyNow(report: (seen: number, total: number) => void): (seen: number, total: number) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (seen, total) => {
    const now = performance.now();
    if (seen < total && now - last < 100) return;
    last = now;
    report(seen, total);
  };
}

/** What writing needs besides the latents. */
interface Writing {
  readonly making: Making;
  readonly inTheWay: Survey['inTheWay'];
}

/** One run, from the survey to the summary. */
class BuildRun {
  private readonly started = performance.now();
  private readonly failures: FailedEvent[] = [];
  private encoded = 0;
  private bytesWritten = 0;
  private readonly notices = new NoticeCollector();
  private readonly strikes = new Map<ErrorCode, number>();
  private stoppedBy: LatentCacheError | undefined;
  private readonly binding: NativeBinding;

  constructor(
    private readonly options: BuildOptions,
    private readonly settings: BuildSettings,
    private readonly events: Channel<BuildEvent>,
    private readonly stop: AbortController,
  ) {
    this.binding = options.binding ?? loadBinding();
  }

  async run(): Promise<void> {
    const { settings, events } = this;
    const source = await prepareEncoder(this.options, settings, this.stop.signal);
    for (const message of source.warnings) {
      events.push({
        type: 'notice',
        code: 'model-warning',
        message,
        count: 1,
        paths: [this.options.vae ?? ''],
      });
    }
    const survey = await surveyDataset(settings, settings.skipExisting ? undefined : this.recipe(source), {
      binding: this.binding,
      signal: this.stop.signal,
      onProgress: everyNow((seen, total) => events.push({ type: 'survey', seen, total })),
    });
    for (const notice of survey.notices) events.push(notice);
    for (const failure of survey.failures) this.fail(failure);
    events.push(planEvent(survey, settings));

    if (survey.work.length > 0 && !settings.dryRun) await this.encodeAll(survey, source);
    events.push(this.summary(survey));
  }

  private async encodeAll(survey: Survey, source: EncoderSource): Promise<void> {
    const { encoder, choice, dispose } = await source.start();
    this.events.push({ type: 'encoder', ...choice });
    const { backend, precision } = choice;
    const making: Making = { recipe: this.recipe(source), encoder: { backend, precision } };
    try {
      await prepareEngines(
        encoder,
        survey.work,
        this.settings,
        this.binding,
        ({ size, ...progress }) => this.events.push({ type: 'engine', bucket: size, ...progress }),
        this.stop.signal,
      );
      await this.encodeBatches(survey.work, encoder, { making, inTheWay: survey.inTheWay });
    } finally {
      await dispose();
      for (const notice of this.notices.events()) this.events.push(notice);
      await Promise.all(
        [...new Set(survey.work.map((item) => path.dirname(item.cachePath)))].map(syncFolder),
      );
    }
  }

  private async encodeBatches(
    work: readonly PlannedImage[],
    encoder: Encoder,
    writing: Writing,
  ): Promise<void> {
    const { settings } = this;
    // One image for each processor decodes while another waits for the disk.
    const decoders = 2 * availableParallelism();
    const budget = new ByteBudget(settings.memoryBudget);
    const meter = new ProgressMeter(work);
    const pool = new PixelPool(2 * decoders);
    this.stop.signal.addEventListener('abort', () => budget.open());
    const prepared = mapLimit(work, decoders, async (item) => {
      const memory = memoryOf(item, settings);
      await budget.acquire(memory.preparing);
      if (this.stop.signal.aborted) return undefined;
      try {
        const image = await prepareImage(item, settings, this.binding, pool);
        budget.release(memory.preparing - memory.prepared);
        return image;
      } catch (error) {
        budget.release(memory.preparing);
        this.fail(toFailure(item.image.path, error));
        return undefined;
      }
    });

    const calls = new ByteBudget(encoder.info.callsAtOnce);
    const inFlight: Promise<void>[] = [];
    for (const batch of cutBatches(work, this.batchSize(encoder), settings)) {
      await this.events.ready();
      const images: PreparedImage[] = [];
      for (let index = 0; index < batch.length; index++) {
        const image = (await prepared.next()).value;
        if (image) images.push(image);
      }
      while (inFlight.length >= encoder.info.callsAtOnce + BATCHES_AROUND_ENCODER) await inFlight[0];
      if (this.stop.signal.aborted) break;
      const task = this.encodeAndStore(images, encoder, writing, calls).finally(() => {
        inFlight.splice(inFlight.indexOf(task), 1);
        for (const image of images) {
          recycle(image, pool);
          budget.release(memoryOf(image.item, settings).prepared);
        }
        this.events.push(meter.advance(batch));
      });
      inFlight.push(task);
    }
    await Promise.all(inFlight);
    await prepared.return();
  }

  private batchSize(encoder: Encoder): number {
    const { vaeBatchSize } = this.settings;
    return vaeBatchSize === 'auto' ? encoder.info.preferredBatchSize : vaeBatchSize;
  }

  /** Never rejects: whatever goes wrong is an event. */
  private async encodeAndStore(
    images: readonly PreparedImage[],
    encoder: Encoder,
    writing: Writing,
    calls: ByteBudget,
  ): Promise<void> {
    if (images.length === 0) return;
    let encoded: EncodedImage[];
    await calls.acquire(1);
    try {
      // What has not reached the encoder when the run is stopped counts as left.
      if (this.stop.signal.aborted) return;
      encoded = await encodeImages(images, encoder);
    } catch (thrown) {
      if (images.length > 1) {
        await this.encodeOneByOne(images, encoder, writing);
      } else {
        this.failImage(images[0]!.item, asLatentCacheError(thrown, 'ERR_ENCODER'));
      }
      return;
    } finally {
      calls.release(1);
    }
    await Promise.all(encoded.map((image) => this.store(image, writing)));
  }

  /** A batch failed; perhaps one image of it is to blame, so that each gets its own chance. */
  private async encodeOneByOne(
    images: readonly PreparedImage[],
    encoder: Encoder,
    writing: Writing,
  ): Promise<void> {
    for (const image of images) {
      if (this.stop.signal.aborted) return;
      try {
        for (const encoded of await encodeImages([image], encoder)) await this.store(encoded, writing);
      } catch (thrown) {
        this.failImage(image.item, asLatentCacheError(thrown, 'ERR_ENCODER'));
      }
    }
  }

  private async store(image: EncodedImage, writing: Writing): Promise<void> {
    const { item } = image.prepared;
    const inTheWay = writing.inTheWay.get(item.cachePath) ?? [];
    try {
      for (const { path: file, kind } of inTheWay) if (kind === 'foreign') await setAside(file);
      if (image.inFloat32) this.notices.add('float32-retry', item.image.path);
      const bytes = await storeImage(image, this.settings, writing.making, this.binding);
      for (const { path: file, kind } of inTheWay) if (kind !== 'foreign') await setAside(file);
      this.encoded++;
      this.strikes.clear();
      this.bytesWritten += bytes;
      const { bucket } = item.geometry;
      this.events.push({ type: 'encoded', path: item.image.path, cachePath: item.cachePath, bucket, bytes });
    } catch (thrown) {
      this.failImage(item, asLatentCacheError(thrown, 'ERR_CACHE_WRITE'));
    }
  }

  /** Counts an image as failed after it was encoded or should have been, and notices when nothing else will do better. */
  private failImage(item: PlannedImage, error: LatentCacheError): void {
    this.fail(toFailure(item.image.path, error));
    const strikes = (this.strikes.get(error.code) ?? 0) + 1;
    this.strikes.set(error.code, strikes);
    if (strikes >= (STRIKES[error.code] ?? Number.POSITIVE_INFINITY)) this.giveUp(error);
  }

  private fail(failure: FailedEvent): void {
    this.failures.push(failure);
    this.events.push(failure);
  }

  private giveUp(reason: LatentCacheError): void {
    this.stoppedBy ??= reason;
    this.stop.abort();
  }

  private recipe({ fingerprint }: EncoderSource): RecipeRecord {
    const { posterior, seed, dtype, resizeInterpolation } = this.settings;
    return {
      vae: fingerprint,
      posterior,
      seed: posterior === 'sample' ? seed : null,
      dtype,
      interpolation: resizeInterpolation ?? 'default',
    };
  }

  private summary(survey: Survey): SummaryEvent {
    const failedLater = this.failures.length - survey.failures.length;
    const remaining = this.settings.dryRun ? 0 : survey.work.length - this.encoded - failedLater;
    return {
      type: 'summary',
      total: survey.total,
      encoded: this.encoded,
      skipped: survey.skipped,
      failed: this.failures.length,
      remaining,
      aborted: remaining > 0,
      stoppedBy: this.stoppedBy === undefined ? null : describeError(this.stoppedBy),
      seconds: (performance.now() - this.started) / 1000,
      bytesWritten: this.bytesWritten,
      failures: this.failures.map(({ type: _type, ...failure }) => failure),
      dryRun: this.settings.dryRun,
    };
  }
}

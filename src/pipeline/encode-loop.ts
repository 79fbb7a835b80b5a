/** From planned images to files: decode ahead, encode what the governor allows, write behind. */
import { availableParallelism } from 'node:os';
import { isSimulated } from '../cache/provenance.js';
import { setAside } from '../cache/set-aside.js';
import type { Bucket, Size } from '../dataset/bucket.js';
import { sameSize } from '../dataset/size.js';
import { asLatentCacheError, type ErrorCode, LatentCacheError } from '../errors.js';
import type { RunManifest } from '../manifest/run-manifest.js';
import type { Governor } from '../memory/governor.js';
import type { NativeBinding } from '../native/binding.js';
import { PixelPool } from '../pixels/pixel-pool.js';
import type { CacheFiles } from '../trainers/trainer.js';
import { BatchCutter } from './batches.js';
import { ByteBudget } from './byte-budget.js';
import { CacheParts } from './cache-parts.js';
import type { Channel } from './channel.js';
import {
  type Encode,
  type EncodedImage,
  encodeImages,
  type LatentPart,
  type StoreContext,
  storeLatents,
  takeLatents,
} from './encode-batch.js';
import { type BuildEvent, type FailedEvent, toFailure } from './events.js';
import type { Failures } from './failures.js';
import { FileTurns } from './file-turns.js';
import { failureRow, writtenRow } from './manifest-rows.js';
import { mapLimit } from './map-limit.js';
import type { NoticeCollector } from './notices.js';
import type { RunSettings } from './options.js';
import { isOurCache } from './our-cache.js';
import { outputRoot, type PlannedImage } from './plan-image.js';
import { memoryOf, type PreparedImage, preparedBytes, prepareImage, recycle } from './prepare-image.js';
import { ProgressMeter } from './progress-meter.js';
import type { StaleFile } from './stale-file.js';
import { WaitingImages } from './waiting-images.js';
import type { WorkList } from './work-list.js';
import { cachesOf, subjectOf, type Variant, type WorkUnit } from './work-unit.js';

/** Batches between "pixels are ready" and "on disk", besides those that compute: one waits, one is written. */
const BATCHES_AROUND_ENCODER = 2;

/** Batches between the encoder's door and the disk: one is encoded while another is stored. */
const LEAST_UNSTORED = 2;

/** Of the pixel memory, what may wait for another bucket's turn. */
const WAITING_SHARE = 0.5;

export interface EncodeLoopParts {
  readonly governor: Governor;
  readonly settings: RunSettings;
  readonly binding: NativeBinding;
  readonly store: StoreContext;
  /** By cache path: files that go out of the way when that cache is written. */
  readonly inTheWay: ReadonlyMap<string, readonly StaleFile[]>;
  readonly manifest: RunManifest;
  readonly events: Channel<BuildEvent>;
  readonly failures: Failures;
  readonly notices: NoticeCollector;
  /** Aborted: nothing new is begun; what computes is finished and written. */
  readonly stop: AbortSignal;
}

export class EncodeLoop {
  readonly #parts: EncodeLoopParts;
  /** One resolution after the other goes into a file of several. */
  readonly #files = new FileTurns();
  readonly #cacheParts = new CacheParts();
  /** Image files that were read and decoded. */
  decoded = 0;
  /** Caches that were made. */
  encoded = 0;
  bytesWritten = 0;

  constructor(parts: EncodeLoopParts) {
    this.#parts = parts;
  }

  async run(work: WorkList): Promise<void> {
    const { settings, binding, governor, events, notices, stop } = this.#parts;
    // One image for each processor decodes while another waits for the disk.
    const decoders = 2 * availableParallelism();
    const budget = new ByteBudget(settings.memoryBudget);
    const meter = new ProgressMeter(work);
    const pool = new PixelPool(2 * decoders);
    stop.addEventListener('abort', () => budget.open());
    const prepared = mapLimit(work, decoders, async (unit) => {
      const memory = memoryOf(unit);
      await budget.acquire(memory.preparing);
      if (stop.aborted) return [];
      try {
        const images = await prepareImage(unit, binding, pool, (variants, error) =>
          this.#failControl(variants, error),
        );
        const files = new Map(images.map(({ variant, iccIgnored }) => [variant.file.path, iccIgnored]));
        this.decoded += files.size;
        for (const [file, iccIgnored] of files) if (iccIgnored) notices.add('icc-ignored', file);
        const held = images.reduce((sum, { variant }) => sum + preparedBytes(variant), 0);
        budget.release(memory.preparing - held);
        return images;
      } catch (error) {
        budget.release(memory.preparing);
        this.#failImage(unit, error);
        return [];
      }
    });

    const { callsAtOnce } = governor.info;
    const calls = new ByteBudget(callsAtOnce);
    // A slow disk holds up the encoder: what a killed run has encoded in vain is no more than this.
    const unstored = new ByteBudget(Math.max(LEAST_UNSTORED, callsAtOnce));
    const inFlight: Promise<void>[] = [];
    const computing = new Set<Promise<unknown>>();
    const dispatch = async (images: readonly PreparedImage[]): Promise<void> => {
      while (inFlight.length >= callsAtOnce + BATCHES_AROUND_ENCODER) await inFlight[0];
      if (stop.aborted || images.length === 0) return;
      const encoding = unstored.acquire(1).then(() => this.#encode(images, calls));
      computing.add(encoding);
      const task = this.#storeAll(encoding.finally(() => computing.delete(encoding))).finally(() => {
        unstored.release(1);
        inFlight.splice(inFlight.indexOf(task), 1);
        for (const image of images) {
          recycle(image, pool);
          budget.release(preparedBytes(image.variant));
        }
        events.push(meter.advance(images));
      });
      inFlight.push(task);
    };
    const batchFor = (bucket: Bucket) => this.#batchFor(bucket, () => Promise.all(computing));
    const waiting = new WaitingImages();
    const encodeWaiting = async (): Promise<boolean> => {
      for (let bucket = waiting.bucket; bucket !== undefined; bucket = waiting.bucket) {
        const size = await batchFor(bucket);
        if (size === undefined || stop.aborted) return false;
        await dispatch(waiting.take(size));
      }
      return true;
    };

    const cutter = new BatchCutter(work, settings.memoryBudget);
    for (let bucket = cutter.bucket; bucket !== undefined; bucket = cutter.bucket) {
      await events.ready();
      const size = await batchFor(bucket);
      if (size === undefined) break;
      const batch = cutter.take(size, waiting.bytes);
      const images: PreparedImage[] = [];
      for (let index = 0; index < batch.length; index++) {
        const variants = (await prepared.next()).value ?? [];
        if (variants.length === 0 && !stop.aborted) events.push(meter.skip(batch[index]!));
        for (const image of variants) {
          if (sameSize(image.variant.geometry.bucket, bucket)) images.push(image);
          else waiting.add(image);
        }
      }
      while (images.length > 0 && !stop.aborted) await dispatch(images.splice(0, size));
      if (stop.aborted) break;
      const last = batch.at(-1);
      const isFull = last === undefined || waiting.bytes > settings.memoryBudget * WAITING_SHARE;
      // A bucket is left as rarely as the memory allows.
      if ((isFull || !cutter.continues(last)) && !(await encodeWaiting())) break;
    }
    await Promise.all(inFlight);
    await prepared.return();
  }

  /** Undefined when there is no encoder any more: one that had to be started anew did not start. */
  async #batchFor(bucket: Size, settled: () => Promise<unknown>): Promise<number | undefined> {
    const { governor, failures } = this.#parts;
    try {
      await governor.enter(bucket, settled);
      return await governor.batchFor(bucket);
    } catch (thrown) {
      failures.giveUp(asLatentCacheError(thrown, 'ERR_ENCODER'));
      return undefined;
    }
  }

  async #storeAll(encoding: Promise<readonly EncodedImage[]>): Promise<void> {
    await Promise.all((await encoding).map((image) => this.#storeCaches(image)));
  }

  /** Never rejects: whatever goes wrong is an event. Gives nothing where it failed, or where the run is stopped. */
  async #encode(images: readonly PreparedImage[], calls: ByteBudget): Promise<readonly EncodedImage[]> {
    if (images.length === 0) return [];
    const { governor, stop } = this.#parts;
    await calls.acquire(1);
    try {
      // What has not reached the encoder when the run is stopped counts as left.
      if (stop.aborted) return [];
      return await encodeImages(images, (batch) => governor.encode(batch));
    } catch (thrown) {
      if (images.length > 1) await this.#encodeOneByOne(images);
      else this.#fail(images[0]!.variant.caches, thrown, 'ERR_ENCODER');
      return [];
    } finally {
      calls.release(1);
    }
  }

  /** A batch failed; perhaps one image of it is to blame, so that each gets its own chance. */
  async #encodeOneByOne(images: readonly PreparedImage[]): Promise<void> {
    const { governor, stop } = this.#parts;
    for (const image of images) {
      if (stop.aborted) return;
      try {
        const [encoded] = await encodeImages([image], (batch) => governor.encode(batch));
        await this.#storeCaches(encoded!);
      } catch (thrown) {
        this.#fail(image.variant.caches, thrown, 'ERR_ENCODER');
      }
    }
  }

  async #storeCaches(image: EncodedImage): Promise<void> {
    let current = image;
    for (const cache of image.prepared.variant.caches) {
      await this.#files.inTurn(cache.cachePath, async () => {
        current = await this.#store(current, cache);
      });
    }
  }

  /**
   * Stores a cache whose last part this is; other parts wait for it.
   *
   * @returns the image, perhaps encoded anew in another precision
   */
  async #store(image: EncodedImage, cache: PlannedImage): Promise<EncodedImage> {
    if (this.#cacheParts.hasFailed(cache)) return image;
    const { events, failures, notices, inTheWay, settings, manifest, store } = this.#parts;
    const { control, file } = image.prepared.variant;
    const { target, cachePath } = cache;
    const { files } = target.trainer;
    const stale = settings.leaveFiles ? [] : (inTheWay.get(cachePath) ?? []);
    const isOurs = (file: string) => isOurCache(files, file);
    try {
      if (image.inFloat32) notices.add('float32-retry', file.path);
      const { part, encoded } = await this.#takeLatents(image, cache);
      const parts = this.#cacheParts.add(cache, control, part);
      if (parts === undefined) return encoded;
      if (settings.simulated) await refuseToReplace(cachePath, files);
      for (const { path: file, kind } of stale) if (kind === 'foreign') await setAside(file, isOurs);
      const stored = await storeLatents(parts, cache, store);
      const bytes = stored?.bytes ?? 0;
      for (const { path: file, kind } of stale) if (kind !== 'foreign') await setAside(file, isOurs);
      if (stored !== undefined)
        manifest.recordDone(outputRoot(cache.image, target), writtenRow(cache, parts[0], stored));
      this.encoded++;
      failures.clearStrikes();
      this.bytesWritten += bytes;
      const { bucket } = cache.geometry;
      events.push({ type: 'encoded', path: cache.image.path, cachePath, bucket, bytes });
      return encoded;
    } catch (thrown) {
      this.#fail([cache], thrown, 'ERR_CACHE_WRITE');
      return image;
    }
  }

  /** The image cannot be used, whatever the encoder. */
  #failImage(unit: WorkUnit, thrown: unknown): void {
    const caches = cachesOf(unit);
    const failure = toFailure(subjectOf(unit).image.path, thrown);
    this.#parts.failures.addImage(failure, caches.length);
    this.#noteFailure(caches, failure);
  }

  /** A control image cannot be used; the image may have other caches. */
  #failControl(variants: readonly Variant[], error: LatentCacheError): void {
    const caches = variants
      .flatMap((variant) => variant.caches)
      .filter((cache) => this.#cacheParts.fail(cache));
    if (caches.length === 0) return;
    const failure = toFailure(caches[0]!.image.path, error);
    this.#parts.failures.addImage(failure, caches.length);
    this.#noteFailure(caches, failure);
  }

  /** @param some caches of one image; those that were given up before do not count */
  #fail(some: readonly PlannedImage[], thrown: unknown, code: ErrorCode): void {
    const caches = some.filter((cache) => this.#cacheParts.fail(cache));
    if (caches.length === 0) return;
    const error = asLatentCacheError(thrown, code);
    const { path } = caches[0]!.image;
    this.#parts.failures.add(path, error, code, caches.length);
    this.#noteFailure(caches, toFailure(path, error));
  }

  #noteFailure(caches: readonly PlannedImage[], failure: FailedEvent): void {
    for (const { image, state, target } of caches) {
      this.#parts.manifest.recordFailure(outputRoot(image, target), failureRow(image, state, failure));
    }
  }

  /** Numbers that are none are not written: the image is encoded again in float32, where that is another precision. */
  async #takeLatents(
    image: EncodedImage,
    cache: PlannedImage,
  ): Promise<{ part: LatentPart; encoded: EncodedImage }> {
    const { store, governor, notices } = this.#parts;
    try {
      return { part: takeLatents(image, cache, store), encoded: image };
    } catch (thrown) {
      const error = asLatentCacheError(thrown, 'ERR_CACHE_WRITE');
      if (error.code !== 'ERR_NON_FINITE' || image.inFloat32) throw error;
      const precisely: Encode = async (batch) => {
        const encoded = await governor.encodePrecisely(batch);
        if (encoded === null) throw error;
        return encoded;
      };
      const [again] = await encodeImages([image.prepared], precisely);
      const encoded = { ...again!, inFloat32: true };
      const part = takeLatents(encoded, cache, store);
      notices.add('float32-retry', image.prepared.variant.file.path);
      return { part, encoded };
    }
  }
}

/** What a simulated GPU makes must not cost anybody real latents. */
async function refuseToReplace(file: string, files: CacheFiles): Promise<void> {
  const existing = await files.open(file).catch(() => undefined);
  const records = [...(existing?.provenance.values() ?? [])];
  const areSimulated = records.length > 0 && records.every(({ encoder }) => isSimulated(encoder.backend));
  if (existing === undefined || areSimulated) return;
  throw new LatentCacheError(
    'ERR_SIMULATED',
    `${file} holds real latents; a simulation does not replace them`,
    {
      path: file,
      remedy: 'Simulate on a copy of the images, or with --out-dir.',
    },
  );
}

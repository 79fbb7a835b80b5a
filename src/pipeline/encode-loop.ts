/** From planned images to files: decode ahead, encode what the governor allows, write behind. */
import { availableParallelism } from 'node:os';
import { isSimulated, type RecipeRecord } from '../cache/provenance.js';
import { OpenCache } from '../cache/read-structure.js';
import { type StaleFile, setAside } from '../cache/stale.js';
import type { Size } from '../dataset/bucket.js';
import { asLatentCacheError, type ErrorCode, LatentCacheError } from '../errors.js';
import type { RunManifest } from '../manifest/run-manifest.js';
import type { Governor } from '../memory/governor.js';
import type { NativeBinding } from '../native/binding.js';
import { PixelPool } from '../pixels/pixel-pool.js';
import { BatchCutter } from './batches.js';
import { ByteBudget } from './byte-budget.js';
import type { Channel } from './channel.js';
import {
  type Encode,
  type EncodedImage,
  encodeImages,
  type StoredImage,
  storeImage,
} from './encode-batch.js';
import { type BuildEvent, type FailedEvent, toFailure } from './events.js';
import type { Failures } from './failures.js';
import { failureRow, writtenRow } from './manifest-rows.js';
import { mapLimit } from './map-limit.js';
import type { NoticeCollector } from './notices.js';
import type { BuildSettings } from './options.js';
import { outputRoot, type PlannedImage } from './plan-image.js';
import { memoryOf, type PreparedImage, prepareImage, recycle } from './prepare-image.js';
import { ProgressMeter } from './progress-meter.js';
import type { WorkList } from './work-list.js';

/** Batches between "pixels are ready" and "on disk", besides those that compute: one waits, one is written. */
const BATCHES_AROUND_ENCODER = 2;

/** Batches between the encoder's door and the disk: one is encoded while another is stored. */
const LEAST_UNSTORED = 2;

export interface EncodeLoopParts {
  readonly governor: Governor;
  readonly settings: BuildSettings;
  readonly binding: NativeBinding;
  readonly recipe: RecipeRecord;
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
  encoded = 0;
  bytesWritten = 0;

  constructor(parts: EncodeLoopParts) {
    this.#parts = parts;
  }

  async run(work: WorkList): Promise<void> {
    const { settings, binding, governor, events, stop } = this.#parts;
    // One image for each processor decodes while another waits for the disk.
    const decoders = 2 * availableParallelism();
    const budget = new ByteBudget(settings.memoryBudget);
    const meter = new ProgressMeter(work);
    const pool = new PixelPool(2 * decoders);
    stop.addEventListener('abort', () => budget.open());
    const prepared = mapLimit(work, decoders, async (item) => {
      const memory = memoryOf(item, settings);
      await budget.acquire(memory.preparing);
      if (stop.aborted) return undefined;
      try {
        const image = await prepareImage(item, settings, binding, pool);
        budget.release(memory.preparing - memory.prepared);
        return image;
      } catch (error) {
        budget.release(memory.preparing);
        this.#failImage(item, error);
        return undefined;
      }
    });

    const { callsAtOnce } = governor.info;
    const calls = new ByteBudget(callsAtOnce);
    // A slow disk holds up the encoder: what a killed run has encoded in vain is no more than this.
    const unstored = new ByteBudget(Math.max(LEAST_UNSTORED, callsAtOnce));
    const inFlight: Promise<void>[] = [];
    const computing = new Set<Promise<unknown>>();
    const cutter = new BatchCutter(work, settings);
    for (let bucket = cutter.bucket; bucket !== undefined; bucket = cutter.bucket) {
      await events.ready();
      const size = await this.#batchFor(bucket, () => Promise.all(computing));
      if (size === undefined) break;
      const batch = cutter.take(size);
      const images: PreparedImage[] = [];
      for (let index = 0; index < batch.length; index++) {
        const image = (await prepared.next()).value;
        if (image) images.push(image);
      }
      while (inFlight.length >= callsAtOnce + BATCHES_AROUND_ENCODER) await inFlight[0];
      if (stop.aborted) break;
      const encoding = unstored.acquire(1).then(() => this.#encode(images, calls));
      computing.add(encoding);
      const task = this.#storeAll(encoding.finally(() => computing.delete(encoding))).finally(() => {
        unstored.release(1);
        inFlight.splice(inFlight.indexOf(task), 1);
        for (const image of images) {
          recycle(image, pool);
          budget.release(memoryOf(image.item, settings).prepared);
        }
        events.push(meter.advance(batch));
      });
      inFlight.push(task);
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
    await Promise.all((await encoding).map((image) => this.#store(image)));
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
      else this.#fail(images[0]!.item, thrown, 'ERR_ENCODER');
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
        await this.#store(encoded!);
      } catch (thrown) {
        this.#fail(image.item, thrown, 'ERR_ENCODER');
      }
    }
  }

  async #store(image: EncodedImage): Promise<void> {
    const { events, failures, notices, inTheWay, settings, manifest } = this.#parts;
    const { item } = image.prepared;
    const stale = settings.leaveFiles ? [] : (inTheWay.get(item.cachePath) ?? []);
    try {
      if (settings.simulated) await refuseToReplace(item.cachePath);
      for (const { path: file, kind } of stale) if (kind === 'foreign') await setAside(file);
      if (image.inFloat32) notices.add('float32-retry', item.image.path);
      const stored = await this.#write(image);
      const bytes = stored?.bytes ?? 0;
      for (const { path: file, kind } of stale) if (kind !== 'foreign') await setAside(file);
      if (stored !== undefined)
        manifest.recordDone(outputRoot(item.image, settings), writtenRow(item, image, stored));
      this.encoded++;
      failures.clearStrikes();
      this.bytesWritten += bytes;
      const { bucket } = item.geometry;
      events.push({ type: 'encoded', path: item.image.path, cachePath: item.cachePath, bucket, bytes });
    } catch (thrown) {
      this.#fail(item, thrown, 'ERR_CACHE_WRITE');
    }
  }

  /** The image cannot be used, whatever the encoder. */
  #failImage(item: PlannedImage, thrown: unknown): void {
    const failure = toFailure(item.image.path, thrown);
    this.#parts.failures.addImage(failure);
    this.#noteFailure(item, failure);
  }

  #fail(item: PlannedImage, thrown: unknown, code: ErrorCode): void {
    const error = asLatentCacheError(thrown, code);
    this.#parts.failures.add(item.image.path, error, code);
    this.#noteFailure(item, toFailure(item.image.path, error));
  }

  #noteFailure({ image, state }: PlannedImage, failure: FailedEvent): void {
    const { manifest, settings } = this.#parts;
    manifest.recordFailure(outputRoot(image, settings), failureRow(image, state, failure));
  }

  /** Numbers that are none are not written: the image is encoded again in float32, where that is another precision. */
  async #write(image: EncodedImage): Promise<StoredImage | undefined> {
    const { settings, recipe, binding, governor, notices } = this.#parts;
    try {
      return await storeImage(image, settings, recipe, binding);
    } catch (thrown) {
      const error = asLatentCacheError(thrown, 'ERR_CACHE_WRITE');
      if (error.code !== 'ERR_NON_FINITE' || image.inFloat32) throw error;
      const precisely: Encode = async (batch) => {
        const encoded = await governor.encodePrecisely(batch);
        if (encoded === null) throw error;
        return encoded;
      };
      const [again] = await encodeImages([image.prepared], precisely);
      const stored = await storeImage({ ...again!, inFloat32: true }, settings, recipe, binding);
      notices.add('float32-retry', image.prepared.item.image.path);
      return stored;
    }
  }
}

/** What a simulated GPU makes must not cost anybody real latents. */
async function refuseToReplace(file: string): Promise<void> {
  await using existing = await OpenCache.open(file).catch(() => undefined);
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

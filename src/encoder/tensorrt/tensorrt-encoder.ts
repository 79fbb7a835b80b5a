/** The GPU backend: pixels in, moments out, engines built and loaded as sizes ask for them. */
import type { Size } from '../../dataset/bucket.js';
import type { NativeBinding, NativeDevice } from '../../native/binding.js';
import {
  checkBatch,
  type EncodeOptions,
  type Encoder,
  type EncoderInfo,
  type ImageBatch,
  type Moments,
  type PlannedSize,
  type PrepareOptions,
  type SampleImage,
} from '../encoder.js';
import { Lifetime } from '../lifetime.js';
import { Serial } from '../serial.js';
import { emptyRows, type LogvarClamp, splitRows } from '../split-rows.js';
import type { Calibrator } from './calibrator.js';
import type { DeviceEngines } from './device-engines.js';
import type { CachedEngine } from './engine-cache.js';
import type { EngineDesk } from './engine-desk.js';
import { type RunJob, Runs } from './runs.js';
import { TensorrtMemory } from './tensorrt-memory.js';

export interface TensorrtParts {
  readonly info: EncoderInfo;
  /** What the reference encoder clamps the log variance to. */
  readonly logvarClamp: LogvarClamp;
  readonly binding: Pick<NativeBinding, 'splitMoments'>;
  readonly device: NativeDevice;
  readonly engines: DeviceEngines;
  readonly desk: EngineDesk;
  /** null unless the precision is one that needs to know the range of activations. */
  readonly calibrator: Calibrator | null;
  /** Called once when the encoder has ended. */
  readonly onDisposed?: () => Promise<void>;
}

/** Samples that calibrating looks at, at most. */
const SAMPLES = 8;

export class TensorrtEncoder implements Encoder {
  readonly info: EncoderInfo;
  readonly memory: TensorrtMemory;
  readonly #parts: TensorrtParts;
  readonly #runs: Runs;
  /** Everything that loads, unloads or starts something on the device. */
  readonly #turns = new Serial();
  readonly #life = new Lifetime();

  constructor(parts: TensorrtParts) {
    this.#parts = parts;
    this.info = parts.info;
    const { device, engines, desk } = parts;
    this.#runs = new Runs(device, engines, this.#turns);
    this.memory = new TensorrtMemory({
      device,
      engines,
      desk,
      life: this.#life,
      turns: this.#turns,
      engineFor: (size, signal) => this.#engineFor(size, async () => [], signal),
    });
  }

  /**
   * Builds the engines that these sizes need and that are not in the cache, which takes minutes. Nothing is held on the
   * device meanwhile: builds need its memory.
   *
   * @throws LatentCacheError (as rejection) ERR_ABORTED (at once: the build is ended), ERR_ENGINE_BUILD,
   * ERR_DEVICE_OUT_OF_MEMORY, ERR_DEVICE_LOST, ERR_DISK_FULL, ERR_OUTPUT_NOT_WRITABLE, ERR_ENCODER_DISPOSED.
   */
  async prepare(sizes: readonly PlannedSize[], options: PrepareOptions = {}): Promise<void> {
    const { samples = async () => [], onProgress, signal } = options;
    await this.#life.guard(signal, (abort) =>
      this.#turns.run(async () => {
        await this.#parts.calibrator?.calibrate(samples, onProgress, abort);
        await this.#parts.desk.prepare(sizes, onProgress, abort);
      }, abort),
    );
  }

  /**
   * As `Encoder` says. More images than fit the budget at once are encoded in several runs. The first image of a size
   * that was not prepared waits until its engine is built.
   *
   * @throws LatentCacheError (as rejection) besides those of `Encoder`: ERR_DEVICE_OUT_OF_MEMORY with `bytesAsked` and
   * `bytesFree` (the encoder stays usable), ERR_DEVICE_LOST (it does not), ERR_GRAPH_LIMIT, and those of `prepare`.
   */
  async encodeBatch(batch: ImageBatch, { signal }: EncodeOptions = {}): Promise<Moments> {
    checkBatch(batch, this.info.stride);
    return this.#life.guard(signal, async (abort) => {
      const { images, width, height } = batch;
      const size = { width, height };
      const samples = async () => images.slice(0, SAMPLES).map((pixels) => ({ pixels, width, height }));
      const { moments, finite } = await this.#encode(images, size, abort, () =>
        this.#engineFor(size, samples, abort),
      );
      const repeatable = this.info.precision === 'fp16';
      const broken = repeatable ? [...finite.keys()].filter((index) => finite[index] === 0) : [];
      if (broken.length === 0) return moments;
      await this.#repeatInFloat32(batch, moments, broken, abort);
      return { ...moments, repeatedInFloat32: broken };
    });
  }

  dispose(): Promise<void> {
    return this.#life.end(async () => {
      await this.#parts.device.close();
      await this.#turns.run(async () => {});
      await this.#parts.onDisposed?.();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #engineFor(
    size: Size,
    samples: () => Promise<readonly SampleImage[]>,
    signal: AbortSignal,
  ): Promise<CachedEngine> {
    await this.#parts.calibrator?.calibrate(samples, undefined, signal);
    return this.#parts.desk.engineFor(size, signal);
  }

  async #encode(
    images: readonly Uint8Array[],
    size: Size,
    signal: AbortSignal,
    engine: RunJob['engine'],
  ): Promise<{ moments: Moments; finite: Uint8Array }> {
    const { latentChannels: channels, stride } = this.info;
    const rows = emptyRows({
      count: images.length,
      channels,
      width: size.width / stride,
      height: size.height / stride,
    });
    await this.#runs.encode({
      images,
      size,
      rows: rows.values,
      signal,
      engine,
      onInvalid: (invalid) => this.#parts.desk.discard(invalid),
    });
    return splitRows(rows, this.#parts.logvarClamp, this.#parts.binding);
  }

  /** Replaces the moments of some images. */
  async #repeatInFloat32(
    { images, width, height }: ImageBatch,
    { mean, logvar, count }: Moments,
    indices: readonly number[],
    signal: AbortSignal,
  ): Promise<void> {
    const size = { width, height };
    const again = indices.map((index) => images[index]!);
    const { moments } = await this.#encode(again, size, signal, () =>
      this.#parts.desk.retryEngineFor(size, signal),
    );
    const length = mean.length / count;
    for (const [from, to] of indices.entries()) {
      const part = [from * length, (from + 1) * length] as const;
      mean.set(moments.mean.subarray(...part), to * length);
      logvar.set(moments.logvar.subarray(...part), to * length);
    }
  }
}

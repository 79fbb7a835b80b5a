/** An encoder on a device of so many bytes, which other programs share: arenas stay until they are released, as real ones do. */
import type { Encoder, EncoderMemory, ImageBatch, RunNeeds, Size } from '#dist/index.js';
import { LatentCacheError } from '#dist/index.js';

export interface FakeDeviceOptions {
  readonly capacity: number;
  readonly budget?: number;
  readonly weightBytes?: number;
  readonly bytesPerPixel?: number;
  readonly largestRun?: number;
  readonly preferredBatchSize?: number;
  readonly backend?: string;
  readonly kind?: EncoderMemory['kind'];
}

export const WEIGHT_BYTES = 1000;

export class FakeDevice {
  /** Bytes of other programs. */
  others = 0;
  /** Bytes that were freed and did not come back. */
  leaked = 0;
  used = 0;
  peak = 0;
  /** Of every release, this many bytes leak. */
  leakOnRelease = 0;
  /** Indices of allocations that fail, from 1. */
  readonly failing = new Set<number>();
  allocations = 0;
  readonly log: string[] = [];
  live = 0;

  constructor(readonly capacity: number) {}

  get free(): number {
    return this.capacity - this.others - this.leaked - this.used;
  }

  allocate(bytes: number): void {
    this.allocations++;
    if (bytes > this.free || this.failing.has(this.allocations)) {
      throw new LatentCacheError('ERR_DEVICE_OUT_OF_MEMORY', 'the fake device is full', {
        bytesAsked: bytes,
        bytesFree: this.free,
      });
    }
    this.used += bytes;
    this.peak = Math.max(this.peak, this.used);
  }
}

/** Every cell of an image's moments is the first byte of the image. */
export class FakeDeviceEncoder implements Encoder {
  readonly memory: EncoderMemory;
  readonly info;
  #arena = 0;
  #loaded = false;
  readonly batches: number[] = [];

  constructor(
    readonly device: FakeDevice,
    readonly options: FakeDeviceOptions,
  ) {
    device.live++;
    const { weightBytes = WEIGHT_BYTES, budget = options.capacity, largestRun = 64 } = options;
    this.info = {
      backend: options.backend ?? 'fake',
      device: 'test',
      precision: 'fp16',
      latentChannels: 4,
      stride: 8,
      callsAtOnce: 1,
      preferredBatchSize: options.preferredBatchSize ?? 8,
      runtime: 'test',
    };
    this.memory = {
      kind: options.kind ?? 'device',
      budget,
      read: async () => ({ free: device.free, total: device.capacity }),
      held: () => ({ used: device.used, peak: device.peak }),
      needs: async (size, count) => this.#needs(size, count, weightBytes),
      largestRun: async () => largestRun,
      release: async (keep) => {
        device.log.push(`release ${keep === null ? 'all' : `${keep.width}x${keep.height}`}`);
        this.#free(keep === null);
      },
    };
  }

  async encodeBatch({ images, width, height }: ImageBatch) {
    const { weightBytes = WEIGHT_BYTES } = this.options;
    const count = images.length;
    if (!this.#loaded) {
      this.device.allocate(weightBytes);
      this.#loaded = true;
    }
    const { arenaBytes } = this.#needs({ width, height }, count, weightBytes);
    if (arenaBytes > this.#arena) {
      this.device.used -= this.#arena;
      this.#arena = 0;
      this.device.allocate(arenaBytes);
      this.#arena = arenaBytes;
    }
    this.batches.push(count);
    this.device.log.push(`run ${count}x${width}x${height}`);
    const cells = (4 * width * height) / 64;
    const mean = new Float32Array(count * cells);
    for (const [index, image] of images.entries()) mean.fill(image[0]!, index * cells, (index + 1) * cells);
    return {
      mean,
      logvar: new Float32Array(mean.length),
      count,
      channels: 4,
      width: width / 8,
      height: height / 8,
    };
  }

  async dispose() {
    this.#free(true);
    this.device.leaked = 0; // the driver takes back what a process held
    this.device.live--;
  }

  [Symbol.asyncDispose]() {
    return this.dispose();
  }

  #needs({ width, height }: Size, count: number, weightBytes: number): RunNeeds {
    const arenaBytes = count * width * height * (this.options.bytesPerPixel ?? 1);
    return {
      engine: `${width}x${height}`,
      weightBytes,
      activationBytes: arenaBytes,
      inputBytes: 0,
      outputBytes: 0,
      arenaBytes,
    };
  }

  #free(withWeights: boolean): void {
    const { weightBytes = WEIGHT_BYTES } = this.options;
    const bytes = this.#arena + (withWeights && this.#loaded ? weightBytes : 0);
    this.device.used -= bytes;
    this.device.leaked += Math.min(bytes, this.device.leakOnRelease);
    this.#arena = 0;
    if (withWeights) this.#loaded = false;
  }
}

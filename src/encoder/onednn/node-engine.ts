/** The network on one device of the CPU: all of it, or a NUMA node. */

import { throwIfAborted } from '../../abort.js';
import type { Size } from '../../dataset/bucket.js';
import { LatentCacheError } from '../../errors.js';
import { mebibytes } from '../../mebibytes.js';
import type { WeightedLayers } from '../../model/layers.js';
import type {
  DeviceMemory,
  EngineHandle,
  EngineShape,
  NativeBinding,
  NativeDevice,
  NetworkPrecision,
  OpenDeviceOptions,
} from '../../native/binding.js';
import type { HeldMemory } from '../encoder.js';
import type { RunNeeds } from '../run-needs.js';
import { Serial } from '../serial.js';

/** Images of one size to be encoded. */
export interface NodeJob {
  readonly images: readonly Uint8Array[];
  readonly size: Size;
  /** Receives one row for each image. */
  readonly rows: Float32Array;
  readonly signal: AbortSignal;
}

export class NodeEngine {
  readonly #device: NativeDevice;
  readonly #engine: EngineHandle;
  /** Jobs start in the order in which they came. */
  readonly #turns = new Serial();
  /** Asking the device means to wait behind its runs. */
  readonly #known = new Map<string, RunNeeds>();
  #tickets = 0;
  #waiting = 0;

  private constructor(
    device: NativeDevice,
    engine: EngineHandle,
    readonly budget: number,
  ) {
    this.#device = device;
    this.#engine = engine;
  }

  /** @throws LatentCacheError ERR_DEVICE_OUT_OF_MEMORY when the weights do not fit, and what the back-end throws. */
  static async open(
    binding: Pick<NativeBinding, 'openDevice'>,
    options: OpenDeviceOptions,
    { layers, tensors }: WeightedLayers,
    precision: NetworkPrecision,
  ): Promise<NodeEngine> {
    const device = await binding.openDevice(options);
    try {
      const engine = await device.loadNetwork(layers, tensors, precision);
      return new NodeEngine(device, engine, options.memoryBudget);
    } catch (error) {
      await device.close();
      throw withRemedy(error);
    }
  }

  /** Images that were given to it and are not done. */
  get waiting(): number {
    return this.#waiting;
  }

  get maximumCount(): number {
    return this.#engine.maximum.count;
  }

  /**
   * Exact, without running anything.
   *
   * @throws LatentCacheError ERR_ARGUMENT when the network does not take this shape.
   */
  async needs(shape: EngineShape): Promise<RunNeeds> {
    const key = `${shape.count}x${shape.height}x${shape.width}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const memory = await this.#device.memoryFor(this.#engine.id, shape);
    // one network for all sizes
    const needs = { ...memory, engine: 'network', weightBytes: this.#engine.weightBytes };
    this.#known.set(key, needs);
    return needs;
  }

  /**
   * Queues as many runs as the budget demands in one turn, and waits for them outside of it.
   *
   * @throws LatentCacheError ERR_DEVICE_OUT_OF_MEMORY, before any work, when one image does not fit.
   */
  async encode(job: NodeJob): Promise<void> {
    this.#waiting += job.images.length;
    try {
      const runs = await this.#turns.run(() => this.#start(job), job.signal);
      const outcomes = await Promise.allSettled(runs);
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failure !== undefined) throw withRemedy(failure.reason);
    } finally {
      this.#waiting -= job.images.length;
    }
  }

  /** Of the whole machine. */
  memory(): Promise<DeviceMemory> {
    return this.#device.memory();
  }

  held(): HeldMemory {
    const { memoryUsed, memoryPeak } = this.#device.counters();
    return { used: memoryUsed, peak: memoryPeak };
  }

  /** Frees the memory of runs; the next one allocates again. */
  trim(): Promise<void> {
    return this.#device.trim();
  }

  async close(): Promise<void> {
    await this.#device.close();
    await this.#turns.run(async () => {});
  }

  async #start(job: NodeJob): Promise<Promise<void>[]> {
    const { images, size, rows, signal } = job;
    const most = await this.#countThatFits(size, images.length);
    throwIfAborted(signal, 'encoding');
    // 8 images in runs of 5 at most are two runs of 4
    const count = Math.ceil(images.length / Math.ceil(images.length / most));
    const length = rows.length / images.length;
    const runs: Promise<void>[] = [];
    for (let start = 0; start < images.length; start += count) {
      const end = Math.min(start + count, images.length);
      const piece = images.slice(start, end);
      runs.push(this.#run({ ...job, images: piece, rows: rows.subarray(start * length, end * length) }));
    }
    return runs;
  }

  async #countThatFits(size: Size, wanted: number): Promise<number> {
    let fits = 0;
    let tooMany = Math.min(wanted, this.maximumCount) + 1;
    // all of them first: that is the rule, and each question costs a plan
    for (let count = tooMany - 1; tooMany - fits > 1; count = Math.floor((fits + tooMany) / 2)) {
      if (this.#fits(await this.needs({ ...size, count }))) fits = count;
      else tooMany = count;
    }
    if (fits === 0) throw tooLarge(size, await this.needs({ ...size, count: 1 }), this.budget);
    return fits;
  }

  #fits({ weightBytes, arenaBytes }: RunNeeds): boolean {
    return weightBytes + arenaBytes <= this.budget;
  }

  async #run({ images, rows, size, signal }: NodeJob): Promise<void> {
    const ticket = ++this.#tickets;
    const cancel = () => this.#device.cancel(ticket);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      await this.#device.encode(ticket, this.#engine.id, images, size.height, size.width, rows);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }
}

const REMEDY = 'Use a smaller resolution or a larger --vram-budget.';

function tooLarge({ width, height }: Size, needs: RunNeeds, budget: number): LatentCacheError {
  const { arenaBytes: bytesAsked, weightBytes } = needs;
  const bytesFree = Math.max(0, budget - weightBytes);
  return new LatentCacheError(
    'ERR_DEVICE_OUT_OF_MEMORY',
    `An image of ${width}x${height} needs ${mebibytes(bytesAsked)}, the memory budget leaves ${mebibytes(bytesFree)}`,
    { bytesAsked, bytesFree, remedy: REMEDY },
  );
}

/** Native code brings a remedy of its own, which cannot know which option is to be changed. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof LatentCacheError && error.code === 'ERR_DEVICE_OUT_OF_MEMORY')) return error;
  const { code, message, op, bytesAsked, bytesFree } = error;
  return new LatentCacheError(code, message, { op, bytesAsked, bytesFree, remedy: REMEDY, cause: error });
}

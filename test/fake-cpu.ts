/**
 * A CPU in memory: the part of the addon's contract that the oneDNN backend uses, with real accounting of bytes and
 * work in order on each device. Every cell of an image's moments is the first byte of the image.
 */
import { type ErrorCode, LatentCacheError } from '#dist/errors.js';
import type { Layer } from '#dist/model/layers.js';
import type {
  DeviceMemory,
  EngineHandle,
  EngineShape,
  NativeBinding,
  NativeDevice,
  NetworkPrecision,
  OpenDeviceOptions,
  RunMemory,
} from '#dist/native/binding.js';

export const WEIGHT_BYTES = 1_000_000;
/** Native errors bring one, which knows nothing of the options of a build. */
const NATIVE_REMEDY = 'Raise the memory budget.';
const LARGEST = { count: 64, height: 4096, width: 4096 };

export interface FakeCpuOptions {
  readonly precisions?: readonly NetworkPrecision[];
  readonly freeBytes?: number;
  readonly totalBytes?: number;
}

/** Of the whole arena. */
export function arenaBytes(count: number, side: number): number {
  return count * side * side * 100;
}

export class FakeCpu {
  readonly devices: FakeDevice[] = [];
  /** Runs wait for it. */
  gate: Promise<void> = Promise.resolve();
  readonly #options: FakeCpuOptions;
  readonly #faults = new Map<string, LatentCacheError>();

  constructor(options: FakeCpuOptions = {}) {
    this.#options = options;
  }

  /** No run ends until the returned function is called. */
  hold(): () => void {
    let release!: () => void;
    this.gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  /** 'probe', 'open 1', 'load 0', 'run 0': the operation, and the device in the order of opening. */
  fail(operation: string, code: ErrorCode, details: { bytesAsked?: number; bytesFree?: number } = {}): void {
    const all = { ...details, remedy: NATIVE_REMEDY };
    this.#faults.set(operation, new LatentCacheError(code, `fault: ${code}`, all));
  }

  fault(operation: string): void {
    const error = this.#faults.get(operation);
    if (error !== undefined) throw error;
  }

  get heldBytes(): number {
    return this.devices.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  }

  /** When the devices hold nothing. */
  get memory(): DeviceMemory {
    const { freeBytes = 1e9, totalBytes = 2e9 } = this.#options;
    return { free: freeBytes, total: totalBytes };
  }

  binding(base: Partial<NativeBinding> = {}): NativeBinding {
    const { precisions = ['bf16', 'bf16x3', 'fp32'] } = this.#options;
    return {
      ...base,
      probeBackend: async ({ plugin }) => {
        this.fault('probe');
        return { name: 'onednn', path: plugin, priority: 1, runtime: 'oneDNN 3.0.0', precisions };
      },
      backendMemory: async () => this.memory,
      openDevice: async (options) => {
        this.fault(`open ${this.devices.length}`);
        const device = new FakeDevice(this, options, this.devices.length);
        this.devices.push(device);
        return device;
      },
      splitMoments: (moments, _minimum, _maximum, mean, logvar, finite) => {
        const half = mean.length / finite.length;
        for (const row of finite.keys()) {
          mean.set(moments.subarray(2 * row * half, (2 * row + 1) * half), row * half);
          logvar.set(moments.subarray((2 * row + 1) * half, (2 * row + 2) * half), row * half);
        }
        finite.fill(1);
      },
    } as NativeBinding;
  }
}

/** What was handed to `loadNetwork`. */
interface LoadedNetwork {
  readonly layers: readonly Layer[];
  readonly tensors: readonly string[];
  readonly precision: NetworkPrecision;
}

export class FakeDevice implements NativeDevice {
  /** Runs that ended, as 'count x width' of square images. */
  readonly runs: string[] = [];
  network: LoadedNetwork | undefined;
  isClosed = false;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #calls = new Map<number, Call>();
  #arena = 0;
  #peak = 0;

  constructor(
    private readonly cpu: FakeCpu,
    readonly options: OpenDeviceOptions,
    private readonly index: number,
  ) {}

  get heldBytes(): number {
    return this.#arena + (this.network === undefined ? 0 : WEIGHT_BYTES);
  }

  loadEngine(): Promise<EngineHandle> {
    throw new LatentCacheError('ERR_OPTION', 'this back-end takes no plans');
  }

  loadNetwork(
    layers: readonly Layer[],
    tensors: ReadonlyMap<string, Float32Array>,
    precision: NetworkPrecision,
  ): Promise<EngineHandle> {
    return this.#enqueue(async () => {
      this.cpu.fault(`load ${this.index}`);
      this.#demand(WEIGHT_BYTES);
      this.network = { layers, tensors: [...tensors.keys()], precision };
      const minimum = { count: 1, height: 8, width: 8 };
      return { id: 1, minimum, maximum: LARGEST, weightBytes: WEIGHT_BYTES };
    });
  }

  async unloadEngine(): Promise<void> {
    this.network = undefined;
  }

  async memory(): Promise<DeviceMemory> {
    return this.cpu.memory;
  }

  memoryFor(_engine: number, { count, height, width }: EngineShape): Promise<RunMemory> {
    return this.#enqueue(async () => {
      if (height > LARGEST.height || width > LARGEST.width) {
        throw new LatentCacheError('ERR_ARGUMENT', `${width}x${height} is too large`);
      }
      const bytes = arenaBytes(count, Math.sqrt(width * height));
      return { activationBytes: bytes / 2, inputBytes: bytes / 4, outputBytes: bytes / 4, arenaBytes: bytes };
    });
  }

  encode(
    ticket: number,
    _engine: number,
    images: readonly Uint8Array[],
    height: number,
    width: number,
    output: Float32Array,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const call: Call = { state: 'waiting', reject };
      this.#calls.set(ticket, call);
      this.#enqueue(async () => {
        if (call.state === 'cancelled') return;
        call.state = 'running';
        this.cpu.fault(`run ${this.index}`);
        this.#grow(arenaBytes(images.length, Math.sqrt(width * height)));
        await this.cpu.gate;
        const length = output.length / images.length;
        for (const [at, image] of images.entries()) output.fill(image[0]!, at * length, (at + 1) * length);
        this.runs.push(`${images.length}x${width}`);
        if ((call.state as string) === 'cancelled') throw cancelled();
      })
        .then(resolve, reject)
        .finally(() => this.#calls.delete(ticket));
    });
  }

  cancel(ticket: number): boolean {
    const call = this.#calls.get(ticket);
    if (call === undefined) return false;
    if (call.state === 'waiting') call.reject(cancelled());
    call.state = 'cancelled';
    return true;
  }

  trim(): Promise<void> {
    return this.#enqueue(async () => {
      this.#arena = 0;
    });
  }

  counters() {
    return {
      memoryBudget: this.options.memoryBudget,
      memoryUsed: this.heldBytes,
      memoryPeak: this.#peak,
      memoryDenied: 0,
      arenaBytes: this.#arena,
      enginesLoaded: this.network === undefined ? 0 : 1,
      waiting: this.#calls.size,
      running: 0,
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const error = new LatentCacheError('ERR_ENCODER_DISPOSED', 'closed');
    for (const call of this.#calls.values()) {
      if (call.state === 'waiting') call.reject(error);
      call.state = 'cancelled';
    }
    await this.#queue;
    this.#arena = 0;
    this.network = undefined;
  }

  #grow(bytes: number): void {
    if (bytes <= this.#arena) return;
    this.#arena = 0;
    this.#demand(bytes);
    this.#arena = bytes;
  }

  #demand(bytes: number): void {
    const bytesFree = this.options.memoryBudget - this.heldBytes;
    if (bytes > bytesFree) {
      throw new LatentCacheError('ERR_DEVICE_OUT_OF_MEMORY', 'over the budget', {
        bytesAsked: bytes,
        bytesFree,
        remedy: NATIVE_REMEDY,
      });
    }
    this.#peak = Math.max(this.#peak, this.heldBytes + bytes);
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    if (this.isClosed) return Promise.reject(new LatentCacheError('ERR_ENCODER_DISPOSED', 'closed'));
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => {});
    return result;
  }
}

interface Call {
  state: 'waiting' | 'running' | 'cancelled';
  readonly reject: (error: LatentCacheError) => void;
}

function cancelled(): LatentCacheError {
  return new LatentCacheError('ERR_ABORTED', 'the call was cancelled');
}

/**
 * A GPU in memory: the part of the addon's contract that has to do with devices, with real accounting of bytes, work
 * in order, and faults on request. Engines are JSON. Every cell of an image's moments is the first byte of the image;
 * a network in float16 gives NaN for images that begin with 255.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Compile, CompileRequest } from '#dist/encoder/tensorrt/compile-engine.js';
import { type ErrorCode, LatentCacheError } from '#dist/errors.js';
import type {
  BuildEngineOptions,
  CudaDevice,
  DeviceMemory,
  EngineHandle,
  EngineShape,
  NativeBinding,
  NativeDevice,
  OpenDeviceOptions,
  PlanLocation,
  RunMemory,
} from '#dist/native/binding.js';

const MIB = 2 ** 20;
export const WEIGHT_BYTES = 100 * MIB;
/** Of the whole arena, for each pixel. */
const BYTES_PER_PIXEL = 100;

interface FakePlan {
  readonly precision: 'float16' | 'float32' | 'bfloat16';
  readonly minimum: EngineShape;
  readonly maximum: EngineShape;
}

export interface FakeGpuOptions {
  readonly freeBytes?: number;
  readonly attributes?: string;
  readonly computeCapability?: readonly [number, number];
  /** Milliseconds of one run. */
  readonly runTime?: number;
}

export class FakeGpu {
  /** What the device did, in order: 'load 1', 'run 1 2x64x64', 'unload 1', 'trim'. */
  readonly log: string[] = [];
  readonly builds: CompileRequest[] = [];
  /** Bytes held by engines and arena. */
  held = 0;
  #faults: { on: string; error: LatentCacheError }[] = [];
  /** For the rest of its life. */
  #lost: LatentCacheError | undefined;
  readonly device: CudaDevice;
  readonly #options: FakeGpuOptions;

  constructor(options: FakeGpuOptions = {}) {
    this.#options = options;
    this.device = {
      index: 0,
      name: 'Fake RTX',
      pciBusId: '0000:01:00.0',
      computeCapability: options.computeCapability ?? [8, 6],
      multiprocessors: 28,
      totalBytes: 12 * 2 ** 30,
      attributes: options.attributes ?? 'cc=8.6 sm=28',
    };
  }

  /** The next operation of that kind ('load', 'run', 'build') fails. */
  failNext(
    on: string,
    code: ErrorCode,
    details: { bytesAsked?: number; bytesFree?: number; op?: string } = {},
  ) {
    this.#faults.push({ on, error: new LatentCacheError(code, `fault: ${code}`, details) });
  }

  fault(on: string): void {
    if (this.#lost !== undefined) throw this.#lost;
    const at = this.#faults.findIndex((fault) => fault.on === on);
    if (at < 0) return;
    const { error } = this.#faults.splice(at, 1)[0]!;
    if (error.code === 'ERR_DEVICE_LOST') this.#lost = error;
    throw error;
  }

  /** When nothing is held. */
  get freeBytes(): number {
    return this.#options.freeBytes ?? 10 * 2 ** 30;
  }

  get runTime(): number {
    return this.#options.runTime ?? 0;
  }

  /** Stands in for the child process. */
  readonly compile: Compile = async (request, { onProgress, signal }) => {
    const abort = () => new LatentCacheError('ERR_ABORTED', 'the build was aborted');
    if (signal?.aborted) throw abort();
    if (this.held > 0) throw new Error(`${this.held} bytes are held during a build`);
    this.builds.push(request);
    onProgress?.({ phase: 'Tactics', seconds: 0.5 });
    await sleep(5, undefined, signal === undefined ? {} : { signal }).catch(() => {
      throw abort();
    });
    this.fault('build');
    const memory = request.measure.map((shape) => ({ shape, ...runMemory(shape) }));
    return { plan: planOf(request), timingCache: Buffer.from('timing'), weightBytes: WEIGHT_BYTES, memory };
  };

  binding(base: Partial<NativeBinding> = {}): NativeBinding {
    return {
      ...base,
      cudaStatus: async () => ({
        runtimePath: '/fake/libcudart.so.13',
        runtimeVersion: 13000,
        driverVersion: 13000,
        devices: [this.device],
      }),
      cudaMemGetInfo: async () => ({
        free: this.freeBytes,
        total: this.device.totalBytes,
      }),
      probeBackend: async ({ plugin }) => ({
        name: 'tensorrt10',
        path: plugin,
        priority: 10,
        runtime: 'TensorRT 10.14.1, CUDA runtime 13.0',
        precisions: [],
      }),
      openDevice: async (options) => new FakeDevice(this, options),
      buildEngine: async (options) => ({ plan: planOf(options), timingCache: null }),
      splitMoments,
      writeFileAtomic: async (temporary, target, pieces) => {
        await writeFile(temporary, Buffer.concat(pieces));
        await rename(temporary, target);
      },
    } as NativeBinding;
  }
}

class FakeDevice implements NativeDevice {
  #queue: Promise<unknown> = Promise.resolve();
  readonly #engines = new Map<number, FakePlan>();
  readonly #waiting = new Map<number, (error: LatentCacheError) => void>();
  #ids = 0;
  #arena = 0;
  #peak = 0;
  #denied = 0;
  #closed = false;

  constructor(
    private readonly gpu: FakeGpu,
    private readonly options: OpenDeviceOptions,
  ) {}

  loadEngine({ path, offset, bytes }: PlanLocation): Promise<EngineHandle> {
    return this.#enqueue(async () => {
      this.gpu.fault('load');
      const plan = JSON.parse((await readFile(path)).subarray(offset, offset + bytes).toString()) as FakePlan;
      this.#reserve(WEIGHT_BYTES);
      const id = ++this.#ids;
      this.#engines.set(id, plan);
      this.gpu.log.push(`load ${id}`);
      return { id, minimum: plan.minimum, maximum: plan.maximum, weightBytes: WEIGHT_BYTES };
    });
  }

  async loadNetwork(): Promise<EngineHandle> {
    throw new LatentCacheError('ERR_OPTION', 'the back-end takes plans only');
  }

  unloadEngine(engine: number): Promise<void> {
    return this.#enqueue(async () => {
      if (!this.#engines.delete(engine)) throw new Error(`engine ${engine} is not loaded`);
      this.gpu.held -= WEIGHT_BYTES;
      this.gpu.log.push(`unload ${engine}`);
    });
  }

  async memory(): Promise<DeviceMemory> {
    return { free: this.gpu.freeBytes - this.gpu.held, total: this.gpu.device.totalBytes };
  }

  memoryFor(engine: number, shape: EngineShape): Promise<RunMemory> {
    return this.#enqueue(async () => {
      this.gpu.log.push(`memory ${engine}`);
      return runMemory(shape);
    });
  }

  encode(
    ticket: number,
    engine: number,
    images: readonly Uint8Array[],
    height: number,
    width: number,
    output: Float32Array,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let cancelled = false;
      this.#waiting.set(ticket, (error) => {
        cancelled = true;
        reject(error);
      });
      this.#enqueue(async () => {
        if (cancelled) return;
        this.#waiting.delete(ticket);
        this.#run(engine, images, height, width, output);
        await sleep(this.gpu.runTime);
        this.gpu.log.push(`run ${engine} ${images.length}x${width}x${height}`);
      }).then(resolve, reject);
    });
  }

  cancel(ticket: number): boolean {
    const drop = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    drop?.(new LatentCacheError('ERR_ABORTED', 'the call was cancelled'));
    return drop !== undefined;
  }

  trim(): Promise<void> {
    return this.#enqueue(async () => {
      this.gpu.held -= this.#arena;
      this.#arena = 0;
      this.gpu.log.push('trim');
    });
  }

  counters() {
    return {
      memoryBudget: this.options.memoryBudget,
      memoryUsed: this.gpu.held,
      memoryPeak: this.#peak,
      memoryDenied: this.#denied,
      arenaBytes: this.#arena,
      enginesLoaded: this.#engines.size,
      waiting: this.#waiting.size,
      running: 0,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const ticket of [...this.#waiting.keys()]) {
      this.#waiting.get(ticket)!(new LatentCacheError('ERR_ENCODER_DISPOSED', 'closed'));
      this.#waiting.delete(ticket);
    }
    await this.#queue;
    this.gpu.held -= this.#arena + this.#engines.size * WEIGHT_BYTES;
    this.#arena = 0;
    this.#engines.clear();
  }

  #run(
    engine: number,
    images: readonly Uint8Array[],
    height: number,
    width: number,
    output: Float32Array,
  ): void {
    this.gpu.fault('run');
    const plan = this.#engines.get(engine);
    if (plan === undefined) throw new Error(`engine ${engine} is not loaded`);
    const { minimum, maximum } = plan;
    const fits = (value: number, side: keyof EngineShape) => value >= minimum[side] && value <= maximum[side];
    if (!fits(images.length, 'count') || !fits(height, 'height') || !fits(width, 'width')) {
      throw new LatentCacheError(
        'ERR_ARGUMENT',
        `${images.length}x${width}x${height} is outside of the profile`,
      );
    }
    const { arenaBytes } = runMemory({ count: images.length, height, width });
    if (arenaBytes > this.#arena) {
      this.gpu.held -= this.#arena;
      this.#arena = 0;
      this.#reserve(arenaBytes);
      this.#arena = arenaBytes;
    }
    const length = output.length / images.length;
    for (const [index, image] of images.entries()) {
      const overflows = plan.precision === 'float16' && image[0] === 255;
      output.fill(overflows ? Number.NaN : image[0]!, index * length, (index + 1) * length);
    }
  }

  #reserve(bytes: number): void {
    const bytesFree = this.options.memoryBudget - this.gpu.held;
    if (bytes > bytesFree) {
      this.#denied++;
      const details = { bytesAsked: bytes, bytesFree, op: 'cudaMalloc' };
      throw new LatentCacheError('ERR_DEVICE_OUT_OF_MEMORY', 'no memory left', details);
    }
    this.gpu.held += bytes;
    this.#peak = Math.max(this.#peak, this.gpu.held);
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new LatentCacheError('ERR_ENCODER_DISPOSED', 'closed'));
    const result = this.#queue.then(() => {
      if (this.#closed) throw new LatentCacheError('ERR_ENCODER_DISPOSED', 'closed');
      return task();
    });
    this.#queue = result.catch(() => {});
    return result;
  }
}

export function runMemory({ count, height, width }: EngineShape): RunMemory {
  const arenaBytes = count * height * width * BYTES_PER_PIXEL;
  return {
    activationBytes: arenaBytes / 2,
    inputBytes: arenaBytes / 4,
    outputBytes: arenaBytes / 4,
    arenaBytes,
  };
}

/** Types are read off the initializers, which ONNX stores as it stores them in any file. */
function planOf(request: CompileRequest | BuildEngineOptions): Uint8Array {
  const { minimum, maximum } = request;
  const sizes = new Set(
    request.tensors.map((tensor) => ('values' in tensor ? tensor.values.constructor.name : '')),
  );
  const precision = sizes.has('Uint16Array') ? 'float16' : 'float32';
  return Buffer.from(JSON.stringify({ precision, minimum, maximum } satisfies FakePlan));
}

function splitMoments(
  moments: Float32Array,
  minimum: number,
  maximum: number,
  mean: Float32Array,
  logvar: Float32Array,
  finite: Uint8Array,
): void {
  const half = mean.length / finite.length;
  for (let row = 0; row < finite.length; row++) {
    const values = moments.subarray(row * 2 * half, (row + 1) * 2 * half);
    mean.set(values.subarray(0, half), row * half);
    for (let i = 0; i < half; i++) {
      const value = values[half + i]!;
      logvar[row * half + i] = value < minimum ? minimum : value > maximum ? maximum : value;
    }
    finite[row] = values.every(Number.isFinite) ? 1 : 0;
  }
}

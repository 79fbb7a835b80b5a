/**
 * The whole typed contract of the native addon. C++ implements exactly this (native/addon); nothing else in the
 * package knows that there is an addon. A test or an embedder may hand in another object of this shape.
 */
import type { LatentCacheError } from '../errors.js';
import type { Layer } from '../model/layers.js';

/**
 * The resamplers of the trainers, named as sd-scripts names them. `area`, `bilinear`, `bicubic` and `nearest` equal
 * OpenCV's INTER_AREA, INTER_LINEAR, INTER_CUBIC and INTER_NEAREST_EXACT; `lanczos`, `box` and `pillow-bicubic` equal
 * Pillow's LANCZOS, BOX and BICUBIC, which resample four channels as RGBA with premultiplied alpha.
 */
export type Interpolation =
  | 'area'
  | 'lanczos'
  | 'box'
  | 'bilinear'
  | 'bicubic'
  | 'nearest'
  | 'pillow-bicubic';

/** What happens to one decoded image: the whole image is resized, then the bucket is cut out of it. */
export interface TransformOptions {
  /** Source size in pixels; the source holds `width * height * channels` bytes, HWC, uint8. */
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  /** Size of the whole resized image in pixels; equal to the source size means no resampling at all. */
  readonly resizedWidth: number;
  readonly resizedHeight: number;
  readonly interpolation: Interpolation;
  /** The window that is kept, in pixels of the resized image. Only this window is computed. */
  readonly cropLeft: number;
  readonly cropTop: number;
  readonly cropWidth: number;
  readonly cropHeight: number;
}

/** Where a transform writes; the caller owns the memory. */
export interface TransformTarget {
  /** (cropHeight, cropWidth, 3) uint8, RGB. */
  readonly rgb: Uint8Array;
  /** The same, mirrored left to right; null when it is not wanted. */
  readonly flipped: Uint8Array | null;
  /** (cropHeight, cropWidth) uint8: the fourth channel; null for three channels, or to drop it after the resize. */
  readonly alpha: Uint8Array | null;
}

/** Decoded pixels and how they lie. */
export interface OrientOptions {
  /** Size as stored, in pixels; source and target hold `width * height * channels` bytes, HWC, uint8. */
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  /** EXIF orientation, 1 to 8. */
  readonly orientation: number;
}

export interface FileStatus {
  readonly kind: 'file' | 'folder' | 'other';
  /** Size of a file in bytes; 0 for everything else. */
  readonly bytes: number;
  /** How much of `head` was filled. */
  readonly headBytes: number;
}

/** Folders in which libraries are looked for, before the loader's own search path. */
export interface LibrarySearch {
  readonly libraryFolders: readonly string[];
}

/** A GPU as the CUDA runtime describes it. */
export interface CudaDevice {
  readonly index: number;
  readonly name: string;
  readonly pciBusId: string;
  readonly computeCapability: readonly [major: number, minor: number];
  readonly multiprocessors: number;
  /** Bytes of the whole card. */
  readonly totalBytes: number;
  /**
   * Everything that a compiled engine depends on, as one line ("cc=8.6 sm=28 bus=192 …"): equal for cards that can share
   * an engine.
   */
  readonly attributes: string;
}

export interface CudaStatus {
  /** The runtime library that was loaded. */
  readonly runtimePath: string;
  /** 13000 is 13.0. */
  readonly runtimeVersion: number;
  /** The newest CUDA version that the driver serves, in the same form. */
  readonly driverVersion: number;
  readonly devices: readonly CudaDevice[];
}

export interface DeviceMemory {
  /** Bytes free on the whole device, as the driver sees it now. */
  readonly free: number;
  readonly total: number;
}

/**
 * A GPU as NVIDIA's management library (NVML) sees it. null: this card or driver does not report it.
 *
 * NVML counts cards in its own order and knows nothing of CUDA_VISIBLE_DEVICES: match by `pciBusId`.
 */
export interface NvmlDevice {
  readonly index: number;
  readonly name: string;
  readonly uuid: string | null;
  /** As CUDA writes it: '0000:01:00.0'. */
  readonly pciBusId: string;
  /** Of the whole card, in bytes; `reservedBytes` is what driver and firmware keep, in neither of the other two. */
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
  readonly usedBytes: number | null;
  readonly reservedBytes: number | null;
  /** Now, and what card and slot could do; a card at rest lowers its generation. */
  readonly pcieGeneration: number | null;
  readonly pcieGenerationMax: number | null;
  readonly pcieWidth: number | null;
  readonly pcieWidthMax: number | null;
  readonly smClockMhz: number | null;
  readonly smClockMaxMhz: number | null;
  readonly memoryClockMhz: number | null;
  readonly memoryClockMaxMhz: number | null;
  readonly powerMilliwatts: number | null;
  readonly powerLimitMilliwatts: number | null;
  readonly powerLimitDefaultMilliwatts: number | null;
  readonly powerLimitMaxMilliwatts: number | null;
  /** Consumed since the driver was loaded. */
  readonly energyMillijoules: number | null;
  readonly temperatureCelsius: number | null;
  /**
   * Why the clocks are below their maximum: 'idle', 'application-clocks', 'power-cap', 'hardware-slowdown', 'sync-boost',
   * 'software-thermal', 'hardware-thermal', 'power-brake', 'display-clocks'.
   */
  readonly throttleReasons: readonly string[] | null;
  /** Percent of the last sampling period in which a kernel ran. */
  readonly utilizationPercent: number | null;
  readonly eccEnabled: boolean | null;
  readonly migEnabled: boolean | null;
  readonly persistenceEnabled: boolean | null;
  /** Whether a desktop runs on it. */
  readonly displayActive: boolean | null;
  /** Programs with memory on the card; `usedBytes` is null where the driver does not tell (WSL, containers). */
  readonly processes: readonly NvmlProcess[] | null;
}

export interface NvmlProcess {
  readonly pid: number;
  readonly kind: 'compute' | 'graphics';
  readonly usedBytes: number | null;
}

export interface NvmlStatus {
  readonly libraryPath: string;
  /** '580.159.04' */
  readonly driverVersion: string | null;
  /** The newest CUDA version that the driver serves: 13000 is 13.0. */
  readonly cudaVersion: number | null;
  readonly devices: readonly NvmlDevice[];
}

/** A plug-in that was loaded and whose own libraries are there. */
export interface BackendInfo {
  /** 'tensorrt10' … */
  readonly name: string;
  readonly path: string;
  /** Of several usable ones, the highest is to be taken. */
  readonly priority: number;
  /** 'TensorRT 10.14.1, CUDA runtime 13.0' */
  readonly runtime: string;
  /** What `loadNetwork` computes in on this machine, the fastest first; empty when it takes plans only. */
  readonly precisions: readonly NetworkPrecision[];
}

/**
 * What convolutions and matrix products multiply: `bf16x3` takes each float32 as the sum of three bfloat16, which is exact,
 * and multiplies the six pairs of parts that float32 resolves.
 */
export type NetworkPrecision = 'fp32' | 'bf16' | 'bf16x3';

export interface BackendOptions extends LibrarySearch {
  /** The plug-in's shared library. */
  readonly plugin: string;
  /**
   * How a back-end that can be set up is to be, as "key=value" words; contexts with the same words share their state.
   * Others ignore it. Without NUL.
   */
  readonly settings?: string;
}

export interface OpenDeviceOptions extends BackendOptions {
  readonly device: number;
  /** Bytes of device memory that engines and runs together may take; checked before every allocation. */
  readonly memoryBudget: number;
  /** Runs in flight: while one computes, another's pixels are copied in. */
  readonly slots: number;
  /** Of one run, where the CPU computes; default 1. */
  readonly threads?: number;
  /** Numbers of the processors that those threads are bound to; default: those of the process. */
  readonly processors?: readonly number[];
}

export interface EngineShape {
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

/** Where an engine's plan lies: a part of a file, mapped while it is loaded. */
export interface PlanLocation {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface EngineHandle {
  readonly id: number;
  readonly minimum: EngineShape;
  readonly maximum: EngineShape;
  /** Bytes of device memory that the engine holds while it is loaded. */
  readonly weightBytes: number;
}

/** Exact bytes of device memory of one run. */
export interface RunMemory {
  readonly activationBytes: number;
  /** For each slot. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** The arena that the run needs: activations once, input and output for each slot, with alignment. */
  readonly arenaBytes: number;
}

export interface DeviceCounters {
  readonly memoryBudget: number;
  /** Bytes held now, their maximum so far, and requests that the budget or the device refused. */
  readonly memoryUsed: number;
  readonly memoryPeak: number;
  readonly memoryDenied: number;
  readonly arenaBytes: number;
  readonly enginesLoaded: number;
  /** Calls of `encode` not yet settled: waiting for the device, and on it. */
  readonly waiting: number;
  readonly running: number;
}

/**
 * A device with a worker thread of its own, which does all of the work in order; no method blocks the event loop, and
 * none but `memory` takes a libuv thread. Promises reject with ERR_ENCODER_DISPOSED when it is closed before.
 */
export interface NativeDevice {
  loadEngine(plan: PlanLocation): Promise<EngineHandle>;
  /**
   * The same from layers, for a back-end that runs them itself. The tensors are copied into the form that it needs.
   *
   * @param layers from pixels in −1…1 to the moments; the last but `moments` is a conv.
   * @param tensors by canonical name; must not change until the promise settles.
   * @throws LatentCacheError ERR_ARGUMENT at once, as `encode` does (a tensor is missing or of another size); as rejection
   * ERR_OPTION (the back-end does not take networks, or not in this precision), ERR_DEVICE_OUT_OF_MEMORY,
   * ERR_OUT_OF_MEMORY.
   */
  loadNetwork(
    layers: readonly Layer[],
    tensors: ReadonlyMap<string, Float32Array>,
    precision: NetworkPrecision,
  ): Promise<EngineHandle>;
  unloadEngine(engine: number): Promise<void>;
  /**
   * Memory of the whole device as the back-end sees it now, other programs included. Answered by a libuv worker: it does
   * not wait for the device's own work.
   */
  memory(): Promise<DeviceMemory>;
  /** Runs nothing. */
  memoryFor(engine: number, shape: EngineShape): Promise<RunMemory>;
  /**
   * Encodes images of one size.
   *
   * @param ticket names the call for `cancel`; any number not in use.
   * @param images (height, width, 3) uint8 each; must not change until the promise settles.
   * @param output float32, one row for each image; filled when the promise resolves.
   */
  encode(
    ticket: number,
    engine: number,
    images: readonly Uint8Array[],
    height: number,
    width: number,
    output: Float32Array,
  ): Promise<void>;
  /**
   * A waiting call rejects with ERR_ABORTED at once; one that is on the device goes on, and its promise rejects when it
   * ends.
   *
   * @returns whether the call was still known
   */
  cancel(ticket: number): boolean;
  /** Frees the arena and the staging buffers; engines stay. The next run allocates again. */
  trim(): Promise<void>;
  counters(): DeviceCounters;
  /** Drops waiting calls, waits for the device, frees everything. Safe to call twice. */
  close(): Promise<void>;
}

export interface BuildTensor {
  readonly name: string;
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface BuildEngineOptions extends BackendOptions {
  readonly device: number;
  /** An ONNX model; its external initializers are `tensors`. */
  readonly graph: Uint8Array;
  /** Mapped, not read. */
  readonly tensors: readonly BuildTensor[];
  readonly minimum: EngineShape;
  readonly optimum: EngineShape;
  readonly maximum: EngineShape;
  readonly allowTf32: boolean;
  /** 0 to 5. */
  readonly optimizationLevel: number;
  /** Bytes of device memory for the build. */
  readonly memoryLimit: number;
  readonly timingCache: Uint8Array | null;
}

export interface BuiltEngine {
  readonly plan: Uint8Array;
  readonly timingCache: Uint8Array | null;
}

/** `step` of `steps` of a phase with a name: no measure of the time that is left. */
export type BuildProgress = (phase: string, step: number, steps: number) => void;

/** Running totals since the addon was loaded into this thread. */
export interface NativeCounters {
  /** Asynchronous calls not yet settled. */
  readonly queued: number;
  readonly completed: number;
}

export interface NativeBinding {
  /** Hands the error class over, so that native code throws the real one. Called once for each thread. */
  initialize(errorClass: typeof LatentCacheError): void;
  /** The instruction set that the pixel kernels picked for this CPU. */
  instructionSet(): 'scalar' | 'avx2' | 'avx512';
  /**
   * Resize, crop, split off alpha, mirror. Runs on a libuv worker; source and target must be left alone until it is
   * settled.
   */
  transform(source: Uint8Array, options: TransformOptions, target: TransformTarget): Promise<void>;
  /**
   * Colours as Pillow's `convert("RGB")` makes them. `source` holds interleaved CMYK (uint8, 255 is full ink) or 16-bit
   * grey (uint16, this machine's byte order, 2-byte aligned), `target` 3 bytes for each pixel. Runs on a libuv worker.
   */
  convertToRgb(source: Uint8Array, layout: 'cmyk' | 'grey16', target: Uint8Array): Promise<void>;
  /** Turns pixels upright; from orientation 5 on the target's width is the source's height. Runs on a libuv worker. */
  orient(source: Uint8Array, options: OrientOptions, target: Uint8Array): Promise<void>;
  /**
   * RGBA to RGB: over a background (3 bytes) as Pillow's `Image.alpha_composite` rounds, or with the alpha dropped where
   * it is null. Runs on a libuv worker.
   */
  flatten(source: Uint8Array, background: Uint8Array | null, target: Uint8Array): Promise<void>;
  /**
   * Looks at a path (through links) and reads the first bytes of a file into `head`. Like the other file functions it
   * runs on a libuv worker in one step, and rejects with the system's own code (`ENOENT` …) in `code`.
   */
  inspectFile(path: string, head: Uint8Array): Promise<FileStatus>;
  /**
   * Reads a file into `target` from its start.
   *
   * @returns bytes read; one more than `target` holds when the file is longer
   */
  readFileInto(path: string, target: Uint8Array): Promise<number>;
  /**
   * Looks at many paths (through links) in one step; some thousand are a good number.
   *
   * @returns four values for each path: kind (0 nothing that can be looked at, 1 file, 2 folder, 3 anything else), size
   * in bytes, time of the last change of the content, and of content, name or permissions; nanoseconds since 1970
   */
  statFiles(paths: readonly string[]): Promise<BigInt64Array>;
  /**
   * Locks a file that is open for writing, until it is closed, by this process or by its end. Rejects with the system's
   * code (`ENOLCK`, `EOPNOTSUPP` …) where the file system has no locks.
   *
   * @returns false when another open file, of this process or of any other, holds the lock
   */
  tryLockFile(descriptor: number): Promise<boolean>;
  /** Whether another open file holds that lock; takes none. */
  isFileLocked(descriptor: number): Promise<boolean>;
  /**
   * Creates `temporary`, writes the pieces, fsync, rename to `target`. A link of that name is replaced, not followed. On
   * failure nothing is left.
   */
  writeFileAtomic(temporary: string, target: string, pieces: readonly Uint8Array[]): Promise<void>;
  /**
   * What the CUDA runtime sees. Needs a driver and libcudart, not TensorRT. Runs on a libuv worker.
   *
   * @throws LatentCacheError (as rejection) ERR_CUDA_MISSING, ERR_CUDA_DRIVER, ERR_NO_DEVICE.
   */
  cudaStatus(search: LibrarySearch): Promise<CudaStatus>;
  /** The same for one device's memory. */
  cudaMemGetInfo(device: number, search: LibrarySearch): Promise<DeviceMemory>;
  /**
   * What NVML sees: cards, memory and its holders, clocks, power. Opened once and kept; a later call takes milliseconds and
   * makes no CUDA context, so that a benchmark may sample it. Runs on a libuv worker.
   *
   * @throws LatentCacheError (as rejection) ERR_NVML: the library (`libnvidia-ml.so.1`, a part of the driver) is not there or
   * answers with an error.
   */
  nvmlStatus(search: LibrarySearch): Promise<NvmlStatus>;
  /** Memory of a plug-in's device, as the plug-in sees it: for one that computes on the CPU, that of this machine or its cgroup. */
  backendMemory(options: BackendOptions, device: number): Promise<DeviceMemory>;
  /**
   * Loads a plug-in and the libraries that it needs. Runs on a libuv worker.
   *
   * @throws LatentCacheError (as rejection) ERR_BACKEND_MISSING (the plug-in does not load, or is of another version),
   * ERR_CUDA_MISSING, ERR_CUDA_DRIVER, ERR_NO_DEVICE, ERR_TENSORRT_MISSING, ERR_TENSORRT_TOO_OLD, ERR_TENSORRT_MAJOR.
   */
  probeBackend(options: BackendOptions): Promise<BackendInfo>;
  /** Starts the device's worker thread. */
  openDevice(options: OpenDeviceOptions): Promise<NativeDevice>;
  /**
   * Compiles a network, which takes minutes of a libuv worker and gigabytes of memory: meant for a process of its own.
   *
   * @throws LatentCacheError (as rejection) ERR_ENGINE_BUILD, ERR_DEVICE_OUT_OF_MEMORY, ERR_DEVICE_LOST and those of
   * `probeBackend`.
   */
  buildEngine(options: BuildEngineOptions, onProgress: BuildProgress): Promise<BuiltEngine>;
  /**
   * Rows of moments → means and log variances, and whether every value of a row is finite. Synchronous.
   *
   * @param moments (count, 2 × channels, pixels): means, then log variances.
   * @param mean (count, channels, pixels).
   * @param logvar the same shape; clamped to minimum … maximum, NaN stays NaN.
   * @param finite one byte for each row: 1 when all of its values are finite, 0 otherwise.
   */
  splitMoments(
    moments: Float32Array,
    minimum: number,
    maximum: number,
    mean: Float32Array,
    logvar: Float32Array,
    finite: Uint8Array,
  ): void;
  /**
   * latent = mean + exp(logvar / 2) · noise(seed), see `model/posterior.ts`. Equal bits on every machine. Synchronous.
   *
   * @param latent receives as many values as `mean` and `logvar` have.
   */
  samplePosterior(mean: Float32Array, logvar: Float32Array, seed: bigint, latent: Float32Array): void;
  counters(): NativeCounters;
}

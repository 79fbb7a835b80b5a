/** The one interface that every backend implements: pixels in, moments of the latent distribution out. */
import type { Size } from '../dataset/bucket.js';
import { LatentCacheError } from '../errors.js';
import type { DeviceMemory } from '../native/binding.js';
import type { RunNeeds } from './run-needs.js';

export interface ImageBatch {
  /** One for each image: (height, width, 3) uint8, RGB, values as decoded. */
  readonly images: readonly Uint8Array[];
  /** In pixels; a multiple of the encoder's stride. */
  readonly width: number;
  readonly height: number;
}

export interface Moments {
  /** (count, channels, height, width) float32; not scaled by any model's factor. */
  readonly mean: Float32Array;
  /** The same shape: logarithm of the variance, clamped as the reference encoder clamps it. */
  readonly logvar: Float32Array;
  readonly count: number;
  readonly channels: number;
  /** In latent pixels. */
  readonly width: number;
  readonly height: number;
  /** Indices of images whose result was not finite in the encoder's precision and which were encoded again in float32. */
  readonly repeatedInFloat32?: readonly number[];
}

export interface EncoderInfo {
  /** 'cpu' or 'tensorrt'. */
  readonly backend: string;
  /** What it runs on, for people: '4 threads'. */
  readonly device: string;
  /** Of the convolutions: 'fp32', 'fp16' … */
  readonly precision: string;
  readonly latentChannels: number;
  /** Image pixels per latent pixel, in each direction. */
  readonly stride: number;
  /** Calls that it works on at once; more would only wait. */
  readonly callsAtOnce: number;
  /** Images a call that run fastest; more cost memory and gain nothing. */
  readonly preferredBatchSize: number;
  /** Library and version that does the work, for manifests and bug reports. */
  readonly runtime: string;
}

export interface EncodeOptions {
  readonly signal?: AbortSignal;
}

/** Images of one size that are going to be encoded. */
export interface PlannedSize extends Size {
  readonly images: number;
}

/** Pixels of one image as in `ImageBatch`, with its size. */
export interface SampleImage extends Size {
  readonly pixels: Uint8Array;
}

/** Where the preparation is; once a second at least while something is built. */
export interface PreparationProgress {
  /** What is prepared: an engine for one size, one for all sizes with few images, or the network that samples run through. */
  readonly purpose: 'bucket' | 'shared' | 'calibration' | 'retry';
  /** null when it is not for one size. */
  readonly size: Size | null;
  readonly phase: string;
  /** Since this one was begun. */
  readonly seconds: number;
  /** From 1. */
  readonly index: number;
  readonly total: number;
}

export interface PrepareOptions {
  /** Some of the images, asked for only when the encoder wants to see what it will be given. */
  readonly samples?: () => Promise<readonly SampleImage[]>;
  readonly onProgress?: (progress: PreparationProgress) => void;
  readonly signal?: AbortSignal;
}

/** Bytes of device memory that an encoder holds. */
export interface HeldMemory {
  readonly used: number;
  /** The most that it has held since it was opened. */
  readonly peak: number;
}

/**
 * What an encoder knows of the memory of its device, and what it does about it when told to. The encoder itself never
 * repeats a call that ran out of memory: that is up to whoever sees the whole run.
 */
export interface EncoderMemory {
  /** `host`: main memory, of which this process uses much besides. */
  readonly kind: 'device' | 'host';
  /** Bytes that weights and runs together may take. */
  readonly budget: number;
  /** Free and total bytes of the whole device, other programs included. */
  read(): Promise<DeviceMemory>;
  held(): HeldMemory;
  /**
   * Exact bytes for `count` images of a size in one run. Runs nothing, but may load or build what tells.
   *
   * @throws LatentCacheError (as rejection) ERR_ARGUMENT for a count above `largestRun`, and what `prepare` throws.
   */
  needs(size: Size, count: number): Promise<RunNeeds>;
  /** The most images of a size that one run takes, however much memory there is. */
  largestRun(size: Size): Promise<number>;
  /** Frees what is not needed to encode images of `keep`; everything when it is null. The next call loads again. */
  release(keep: Size | null): Promise<void>;
}

export interface Encoder extends AsyncDisposable {
  readonly info: EncoderInfo;
  /** Absent when it knows nothing about its memory. */
  readonly memory?: EncoderMemory;
  /**
   * Does beforehand what the first batch of each size would otherwise wait for. Sizes that the encoder cannot take are
   * left out: encoding them fails with the reason.
   */
  prepare?(sizes: readonly PlannedSize[], options?: PrepareOptions): Promise<void>;
  /**
   * Encodes images of one size. Several calls may be in flight; they run in order. The pixels must not change until the
   * promise has settled: they are read when the device is ready for them.
   *
   * @throws LatentCacheError (as rejection) ERR_ARGUMENT (sizes and bytes do not fit), ERR_ABORTED,
   * ERR_ENCODER_DISPOSED, ERR_OUT_OF_MEMORY, ERR_ENCODER (the backend failed; every later call fails too when the
   * backend is gone). Values may be NaN or infinite: the caller checks them.
   */
  encodeBatch(batch: ImageBatch, options?: EncodeOptions): Promise<Moments>;
  /** Waits for the running call's work to end and frees everything; calls not settled reject. Safe to call twice. */
  dispose(): Promise<void>;
}

/** @throws LatentCacheError ERR_ARGUMENT naming what does not fit. */
export function checkBatch({ images, width, height }: ImageBatch, stride: number): void {
  if (!Array.isArray(images) || images.length === 0) {
    throw badArgument('images', 'an array of at least one image', images);
  }
  checkSize({ width, height }, stride);
  const bytes = height * width * 3;
  for (const pixels of images as readonly unknown[]) {
    if (!(pixels instanceof Uint8Array)) throw badArgument('each image', 'a Uint8Array', typeof pixels);
    if (pixels.byteLength !== bytes) {
      throw badArgument('each image', `${bytes} bytes (${height} × ${width} × 3)`, pixels.byteLength);
    }
  }
}

/** @throws LatentCacheError ERR_ARGUMENT for a size that the encoder's stride does not divide. */
export function checkSize({ width, height }: Size, stride: number): void {
  for (const [name, side] of Object.entries({ width, height })) {
    if (!Number.isInteger(side) || side < stride || side % stride !== 0) {
      throw badArgument(name, `a positive multiple of ${stride}`, side);
    }
  }
}

function badArgument(name: string, expected: string, got: unknown): LatentCacheError {
  return new LatentCacheError(
    'ERR_ARGUMENT',
    `expected ${expected} as ${name} of a batch, got ${String(got)}`,
  );
}

/**
 * The whole typed contract of the native addon. C++ implements exactly this (native/addon); nothing else in the
 * package knows that there is an addon. A test or an embedder may hand in another object of this shape.
 */
import type { LatentCacheError } from '../errors.js';

/**
 * The resamplers of the trainers, named as sd-scripts names them. `area`, `bilinear`, `bicubic` and `nearest` equal
 * OpenCV's INTER_AREA, INTER_LINEAR, INTER_CUBIC and INTER_NEAREST_EXACT; `lanczos` and `box` equal Pillow's.
 */
export type Interpolation = 'area' | 'lanczos' | 'box' | 'bilinear' | 'bicubic' | 'nearest';

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
  /** (cropHeight, cropWidth) uint8: the fourth channel; null for three channels. */
  readonly alpha: Uint8Array | null;
}

export interface FileStatus {
  readonly kind: 'file' | 'folder' | 'other';
  /** Size of a file in bytes; 0 for everything else. */
  readonly bytes: number;
  /** How much of `head` was filled. */
  readonly headBytes: number;
}

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
  /**
   * uint8 NHWC → float32 NCHW in [-1, 1] as torchvision's ToTensor and Normalize([0.5], [0.5]) compute it.
   * Synchronous: meant for encoder threads. `target` holds `batch * 3 * height * width` floats.
   */
  normalize(source: Uint8Array, target: Float32Array, batch: number, height: number, width: number): void;
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
  /** Creates `temporary`, writes the pieces, fsync, rename to `target`. On failure nothing is left. */
  writeFileAtomic(temporary: string, target: string, pieces: readonly Uint8Array[]): Promise<void>;
  counters(): NativeCounters;
}

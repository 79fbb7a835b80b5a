/** What the encoder and its worker thread say to each other. */
import type { PlainError } from './plain-error.js';

/** The first message; in `workerData` the model would stay in memory for the thread's whole life. */
export interface LoadMessage {
  readonly kind: 'load';
  /** An ONNX file; its buffer is transferred. */
  readonly model: Uint8Array<ArrayBuffer>;
  readonly threads: number;
  /** See `VaeArchitecture`. */
  readonly logvarClamp: { readonly minimum: number; readonly maximum: number };
  /** What to import; a test may name something that is not there. */
  readonly runtimeModule: string;
}

export interface EncodeMessage {
  readonly kind: 'encode';
  /** (count, height, width, 3) uint8; transferred. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/** Each message but `dispose` gets one answer; the next is sent when it has come. */
export type ToWorker = LoadMessage | EncodeMessage | { readonly kind: 'dispose' };

export type FromWorker =
  | { readonly kind: 'ready'; readonly runtime: string }
  | {
      readonly kind: 'moments';
      readonly mean: Float32Array<ArrayBuffer>;
      readonly logvar: Float32Array<ArrayBuffer>;
    }
  | { readonly kind: 'error'; readonly error: PlainError };

/** What a process that wants an engine and the child that builds it say to each other. */
import type { BuildTensor, EngineShape } from '../../native/binding.js';
import type { PlainError } from '../plain-error.js';
import type { MeasuredRun } from './engine-record.js';

/** One build. */
export interface BuildOrder {
  readonly plugin: string;
  readonly libraryFolders: readonly string[];
  readonly device: number;
  readonly minimum: EngineShape;
  readonly optimum: EngineShape;
  readonly maximum: EngineShape;
  readonly allowTf32: boolean;
  /** 0 to 5; more searches longer for faster kernels. */
  readonly optimizationLevel: number;
  /** Bytes of device memory for the build, and for measuring what the engine needs. */
  readonly memoryLimit: number;
  /** Shapes whose memory is measured when the engine is there. */
  readonly measure: readonly EngineShape[];
}

/** Bytes lie in files: a message would copy them several times. */
export interface BuildMessage extends BuildOrder {
  readonly graphFile: string;
  readonly tensors: readonly BuildTensor[];
  readonly timingCacheFile: string | null;
  /** Where the child writes. */
  readonly planFile: string;
  readonly newTimingCacheFile: string;
}

export interface BuildResult {
  readonly weightBytes: number | null;
  readonly memory: readonly MeasuredRun[];
}

export type FromBuildChild =
  | { readonly kind: 'progress'; readonly phase: string }
  | ({ readonly kind: 'built' } & BuildResult)
  | { readonly kind: 'error'; readonly error: PlainError };

import type { PreparationProgress } from '../encoder/encoder.js';
import { asLatentCacheError, type ErrorCode, type LatentCacheError } from '../errors.js';
import type { MemoryEvent } from '../memory/events.js';
import type { MemoryPlan, MemoryReport } from '../memory/governor.js';
import type { BackendChoice } from './prepare-encoder.js';

/** What a run tells while it goes. `docs/events.md` describes each field; the JSON log prints them as they are. */
export type BuildEvent =
  | SurveyEvent
  | NoticeEvent
  | PlanEvent
  | EncoderEvent
  | EngineEvent
  | BatchesEvent
  | MemoryEvent
  | EncodedEvent
  | FailedEvent
  | ProgressEvent
  | SummaryEvent;

/** Looking at the images and at what is there already. */
export interface SurveyEvent {
  readonly type: 'survey';
  readonly seen: number;
  readonly total: number;
}

/** Something that the user should know and that stops nothing. */
export interface NoticeEvent {
  readonly type: 'notice';
  readonly code: NoticeCode;
  readonly message: string;
  readonly count: number;
  /** The first few of them. */
  readonly paths: readonly string[];
}

export type NoticeCode =
  | 'legacy-shadow'
  | 'stale-sibling'
  | 'foreign-cache'
  | 'outdated-cache'
  | 'exif-orientation'
  | 'icc-profile'
  | 'transparency'
  | 'cmyk'
  | '16-bit'
  | 'webp-extended'
  | 'name-clash'
  | 'no-caption'
  | 'not-found'
  | 'dataset-config'
  | 'trainer-caveat'
  | 'icc-ignored'
  | 'model-recognised'
  | 'model-warning'
  | 'manifest'
  | 'float32-retry';

export interface BucketCount {
  readonly width: number;
  readonly height: number;
  /** Caches still to be made. */
  readonly images: number;
}

/**
 * What will be done; nothing has been encoded yet. Counts are of caches: those of one image for several trainers or
 * resolutions are several.
 */
export interface PlanEvent {
  readonly type: 'plan';
  readonly total: number;
  readonly toEncode: number;
  /** Image files that these are of, each decoded once. */
  readonly toDecode: number;
  readonly skipped: number;
  readonly failed: number;
  readonly buckets: readonly BucketCount[];
  /** Bytes that the new files will take, before compression of masks. */
  readonly outputBytes: number;
}

/** The VAE is loaded and an encoder runs it. */
export interface EncoderEvent extends BackendChoice {
  readonly type: 'encoder';
}

/** An engine is built before anything is encoded. */
export interface EngineEvent extends Omit<PreparationProgress, 'size'> {
  readonly type: 'engine';
  /** null when the engine is not for one bucket. */
  readonly bucket: { readonly width: number; readonly height: number } | null;
}

/** How the memory of the device is going to be used, before anything is encoded. */
export interface BatchesEvent {
  readonly type: 'batches';
  /** Bytes that weights and runs together may take. */
  readonly budget: number;
  /** Bytes of the device: free when the plan was made, and all. */
  readonly free: number;
  readonly total: number;
  readonly buckets: readonly {
    readonly width: number;
    readonly height: number;
    /** Images a run; 0 when not even one fits. */
    readonly batch: number;
    /** Bytes that such a run takes, weights included. */
    readonly bytes: number;
  }[];
}

export interface EncodedEvent {
  readonly type: 'encoded';
  readonly path: string;
  readonly cachePath: string;
  readonly bucket: { readonly width: number; readonly height: number };
  readonly bytes: number;
}

export interface FailedEvent {
  readonly type: 'failed';
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy?: string;
}

export interface ProgressEvent {
  readonly type: 'progress';
  /** Images settled in this run, of those to encode. */
  readonly done: number;
  readonly total: number;
  readonly imagesPerSecond: number;
  /** Seconds; null until there is a rate. */
  readonly secondsLeft: number | null;
  readonly bucket: { readonly width: number; readonly height: number };
  readonly batch: number;
  /** Resident memory of the process in bytes. */
  readonly rssBytes: number;
}

/** The last event of every run that got as far as its plan. Counts are of caches, as in the plan. */
export interface SummaryEvent {
  readonly type: 'summary';
  readonly total: number;
  readonly encoded: number;
  readonly skipped: number;
  readonly failed: number;
  /** Image files that were decoded, each once whatever is made of it. */
  readonly decoded: number;
  /** Not done because the run was ended early. */
  readonly remaining: number;
  readonly aborted: boolean;
  /** Why the run ended early, when nobody asked for it. */
  readonly stoppedBy: { readonly code: ErrorCode; readonly message: string; readonly remedy?: string } | null;
  readonly seconds: number;
  readonly bytesWritten: number;
  readonly failures: readonly Omit<FailedEvent, 'type'>[];
  /** What happened to the memory; null when nothing was encoded. */
  readonly memory: MemoryReport | null;
  readonly dryRun: boolean;
}

/** An error in the form that events carry it. */
export function describeError(error: LatentCacheError): {
  code: ErrorCode;
  message: string;
  remedy?: string;
} {
  const { code, message, remedy } = error;
  return { code, message, ...(remedy === undefined ? {} : { remedy }) };
}

/** @param vae its file, as it was given */
export function modelWarning(message: string, vae: string): NoticeEvent {
  return { type: 'notice', code: 'model-warning', message, count: 1, paths: [vae] };
}

export function toFailure(file: string, error: unknown): FailedEvent {
  // A typed array that cannot be allocated is a RangeError.
  const code = error instanceof RangeError ? 'ERR_OUT_OF_MEMORY' : 'ERR_IMAGE_UNREADABLE';
  return { type: 'failed', path: file, ...describeError(asLatentCacheError(error, code)) };
}

export function batchesEvent({ planned, budget, device }: MemoryPlan): BatchesEvent {
  const buckets = planned.map(({ width, height, batch, bytes }) => ({ width, height, batch, bytes }));
  return { type: 'batches', budget, free: device.free, total: device.total, buckets };
}

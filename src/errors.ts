/**
 * Every failure that the package reports has one of these codes. They are part of the public API: a code keeps
 * its meaning, texts may improve.
 */
export const ERROR_CODES = [
  // what the caller asked for
  'ERR_OPTION',
  'ERR_NO_INPUT',
  'ERR_DATASET_CONFIG',
  'ERR_ABORTED',
  // images
  'ERR_IMAGE_MISSING',
  'ERR_IMAGE_UNREADABLE',
  'ERR_IMAGE_NOT_A_FILE',
  'ERR_IMAGE_EMPTY',
  'ERR_IMAGE_FORMAT',
  'ERR_IMAGE_CORRUPT',
  'ERR_IMAGE_TOO_LARGE',
  'ERR_IMAGE_TOO_SMALL',
  'ERR_IMAGE_ROTATED',
  'ERR_IMAGE_CHANGED',
  'ERR_CONTROL_IMAGE',
  'ERR_NAME_COLLISION',
  'ERR_NAME_TOO_LONG',
  // model files
  'ERR_MODEL_FILE',
  'ERR_MODEL_FORMAT',
  'ERR_MODEL_TRUNCATED',
  'ERR_MODEL_PICKLE',
  'ERR_MODEL_KEY',
  'ERR_MODEL_SHAPE',
  'ERR_MODEL_DTYPE',
  'ERR_MODEL_UNKNOWN',
  'ERR_MODEL_AMBIGUOUS',
  // encoders
  'ERR_BACKEND_MISSING',
  'ERR_CUDA_MISSING',
  'ERR_CUDA_DRIVER',
  'ERR_NO_DEVICE',
  'ERR_NVML',
  'ERR_TENSORRT_MISSING',
  'ERR_TENSORRT_TOO_OLD',
  'ERR_TENSORRT_MAJOR',
  'ERR_DEVICE_OUT_OF_MEMORY',
  'ERR_DEVICE_LOST',
  'ERR_ENGINE_BUILD',
  'ERR_ENGINE_INVALID',
  'ERR_GRAPH_LIMIT',
  'ERR_ENCODER',
  'ERR_ENCODER_DISPOSED',
  'ERR_NON_FINITE',
  // caches
  'ERR_CACHE_CORRUPT',
  'ERR_CACHE_WRITE',
  'ERR_CACHE_OUTDATED',
  'ERR_DISK_FULL',
  'ERR_OUTPUT_NOT_WRITABLE',
  'ERR_OUTPUT_OUTSIDE',
  'ERR_FOLDER_LOCKED',
  'ERR_MANIFEST',
  'ERR_SIMULATED',
  'ERR_APPROXIMATE',
  // conversion
  'ERR_CONVERT_CONTENT',
  'ERR_CONVERT_MODEL',
  'ERR_CONVERT_GEOMETRY',
  'ERR_CONVERT_PIXELS',
  'ERR_CONVERT_EXISTS',
  // benchmark reports
  'ERR_REPORT',
  'ERR_COMPARE',
  // the addon
  'ERR_ADDON_MISSING',
  'ERR_ARGUMENT',
  'ERR_OUT_OF_MEMORY',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetails {
  /** The file or folder that the error is about. */
  path?: string | undefined;
  /** What the user can do about it, as a full sentence. */
  remedy?: string | undefined;
  /** The call of a library that failed: 'cudaMalloc'. */
  op?: string | undefined;
  /** ERR_DEVICE_OUT_OF_MEMORY, ERR_DISK_FULL: bytes of the allocation or file that failed, and bytes left to it. */
  bytesAsked?: number | undefined;
  bytesFree?: number | undefined;
  cause?: unknown;
}

/** The only error class that leaves this package on purpose. Native code throws it too (see `src/native`). */
export class LatentCacheError extends Error {
  override readonly name = 'LatentCacheError';
  readonly code: ErrorCode;
  readonly path?: string;
  readonly remedy?: string;
  readonly op?: string;
  readonly bytesAsked?: number;
  readonly bytesFree?: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.path !== undefined) this.path = details.path;
    if (details.remedy !== undefined) this.remedy = details.remedy;
    if (details.op !== undefined) this.op = details.op;
    if (details.bytesAsked !== undefined) this.bytesAsked = details.bytesAsked;
    if (details.bytesFree !== undefined) this.bytesFree = details.bytesFree;
  }
}

/** Wraps whatever was thrown, keeping a LatentCacheError as it is. */
export function asLatentCacheError(
  thrown: unknown,
  code: ErrorCode,
  details: ErrorDetails = {},
): LatentCacheError {
  if (thrown instanceof LatentCacheError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new LatentCacheError(code, message, { cause: thrown, ...details });
}

/** Node's system errors (`ENOENT`, `ENOSPC` …) carry their name in `code`. */
export function systemErrorCode(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

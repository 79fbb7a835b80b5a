import { type ErrorCode, LatentCacheError } from '../errors.js';

const CODES: readonly ErrorCode[] = ['ERR_DEVICE_OUT_OF_MEMORY', 'ERR_OUT_OF_MEMORY'];

/** Of the device, or of this process: both call for less at once. */
export function isOutOfMemory(error: unknown): error is LatentCacheError {
  return error instanceof LatentCacheError && CODES.includes(error.code);
}

import { type ErrorCode, LatentCacheError } from '../errors.js';

const CODES: readonly ErrorCode[] = ['ERR_DEVICE_OUT_OF_MEMORY', 'ERR_OUT_OF_MEMORY'];

/** Of the device, or of this process: both call for less at once. */
export function isOutOfMemory(error: unknown): error is LatentCacheError {
  return error instanceof LatentCacheError && CODES.includes(error.code);
}

/**
 * Repeats once what ran out of memory: another program may have had it for a moment.
 *
 * @param free gives back what is not needed before the second try
 */
export async function onceMore<T>(
  task: () => Promise<T>,
  free: () => Promise<void> = async () => {},
): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    await free();
    return task();
  }
}

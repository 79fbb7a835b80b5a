/** What an AbortSignal becomes: ERR_ABORTED. */
import { LatentCacheError } from './errors.js';

/**
 * @param what 'encoding', 'loading the model'
 * @returns the reason of the signal itself when that is an error of ours: a disposal aborts with its own
 */
export function abortError({ reason }: AbortSignal, what: string): LatentCacheError {
  if (reason instanceof LatentCacheError) return reason;
  return new LatentCacheError('ERR_ABORTED', `${what} was aborted`, { cause: reason });
}

/** @throws LatentCacheError as `abortError` gives it. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw abortError(signal, what);
}

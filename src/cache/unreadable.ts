import { LatentCacheError } from '../errors.js';

/** The system refuses to read a cache. */
export function unreadable(file: string, cause: unknown): LatentCacheError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LatentCacheError('ERR_CACHE_CORRUPT', `Cannot read the cache ${file}: ${reason}`, {
    path: file,
    cause,
  });
}

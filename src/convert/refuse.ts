import { type ErrorCode, LatentCacheError } from '../errors.js';

/** The file is left as it is, for a reason that the user is told. */
export function refuseFile(code: ErrorCode, message: string, remedy: string): never {
  throw new LatentCacheError(code, message, { remedy });
}

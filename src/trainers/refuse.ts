import { LatentCacheError } from '../errors.js';

/** @throws LatentCacheError `ERR_OPTION` */
export function refuseSettings(message: string, remedy?: string): never {
  throw new LatentCacheError('ERR_OPTION', message, { remedy });
}

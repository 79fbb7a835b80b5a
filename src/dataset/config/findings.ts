import { LatentCacheError } from '../../errors.js';
import type { ConfigKey } from './types.js';

/** What is collected on the way through one config file. */
export class Findings {
  readonly file: string;
  readonly ignored: ConfigKey[] = [];
  readonly unknown: ConfigKey[] = [];
  readonly warnings: string[] = [];
  /** Of all lists that the file names. */
  listedImages = 0;
  listedFolders = 0;

  constructor(file: string) {
    this.file = file;
  }

  /** @throws LatentCacheError `ERR_DATASET_CONFIG`, always */
  refuse(message: string, remedy: string): never {
    refuseConfig(this.file, message, remedy);
  }
}

export function refuseConfig(file: string, message: string, remedy: string, cause?: unknown): never {
  throw new LatentCacheError('ERR_DATASET_CONFIG', `${file}: ${message}`, { path: file, remedy, cause });
}

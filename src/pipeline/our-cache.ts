import { LatentCacheError } from '../errors.js';
import type { CacheFiles } from '../trainers/trainer.js';

/** Whether all latents of a file are ours. What cannot be read is not. */
export async function isOurCache(files: CacheFiles, file: string): Promise<boolean> {
  try {
    return (await files.open(file))?.isOurs ?? false;
  } catch (error) {
    if (error instanceof LatentCacheError) return false;
    throw error;
  }
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { fileError } from './image-errors.js';

/**
 * SHA-256 of an image file, hex.
 *
 * @throws LatentCacheError `ERR_IMAGE_MISSING`, `ERR_IMAGE_UNREADABLE`
 */
export async function hashImage(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  } catch (cause) {
    throw fileError(file, cause);
  }
  return hash.digest('hex');
}

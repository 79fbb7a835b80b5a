/** The photos of a benchmark: drawn, hashed, and written as JPEG files. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../abort.js';
import { asLatentCacheError } from '../errors.js';
import { sharp } from '../sharp.js';
import { drawPhoto } from './draw-photo.js';
import type { Preset } from './presets.js';

export interface InputSet {
  /** SHA-256 over the drawn pixels and their sizes: equal on every machine. */
  readonly pixels: string;
  /** SHA-256 over the files: equal where sharp's JPEG encoder is. */
  readonly files: string;
  readonly bytes: number;
  readonly megapixels: number;
}

/** As cameras and editors save photos. */
const QUALITY = 92;

/**
 * Draws `images` photos of a preset into a folder that is made.
 *
 * @throws LatentCacheError ERR_OUTPUT_NOT_WRITABLE, ERR_ABORTED
 */
export async function writeInputSet(
  preset: Preset,
  images: number,
  folder: string,
  signal?: AbortSignal,
): Promise<InputSet> {
  const pixelHash = createHash('sha256');
  const fileHash = createHash('sha256');
  let bytes = 0;
  let pixelCount = 0;
  try {
    await mkdir(folder, { recursive: true });
    for (let number = 0; number < images; number++) {
      throwIfAborted(signal, 'drawing photos');
      const size = preset.sources[number % preset.sources.length]!;
      const pixels = drawPhoto(size, number);
      pixelHash.update(`${size.width}x${size.height}\n`).update(pixels);
      const raw = { ...size, channels: 3 } as const;
      const file = await sharp(pixels, { raw }).jpeg({ quality: QUALITY }).toBuffer();
      fileHash.update(`${file.length}\n`).update(file);
      bytes += file.length;
      pixelCount += size.width * size.height;
      await writeFile(path.join(folder, `photo${String(number).padStart(5, '0')}.jpg`), file);
    }
  } catch (cause) {
    const remedy = 'Name another folder for temporary files with TMPDIR.';
    throw asLatentCacheError(cause, 'ERR_OUTPUT_NOT_WRITABLE', { path: folder, remedy });
  }
  return {
    pixels: pixelHash.digest('hex'),
    files: fileHash.digest('hex'),
    bytes,
    megapixels: pixelCount / 1e6,
  };
}

import { LatentCacheError, systemErrorCode } from '../errors.js';
import { extensionOf } from './image-names.js';

/** An error of the file system, about an image. */
export function fileError(file: string, cause: unknown): LatentCacheError {
  if (cause instanceof LatentCacheError) return cause;
  const missing = ['ENOENT', 'ELOOP'].includes(systemErrorCode(cause) ?? '');
  if (missing) {
    const remedy = file.includes('\ufffd')
      ? 'Its name is not valid UTF-8: rename the file.'
      : 'It is a broken link or was deleted: restore the file or remove the link.';
    return new LatentCacheError('ERR_IMAGE_MISSING', `${file} does not exist`, { path: file, remedy, cause });
  }
  return new LatentCacheError('ERR_IMAGE_UNREADABLE', `${file} cannot be read: ${text(cause)}`, {
    path: file,
    remedy: 'Check its permissions and the disk.',
    cause,
  });
}

/** What libvips said about a file's content, in our codes. It gives texts only; this is the one place that reads them. */
export function decodeError(file: string, cause: unknown): LatentCacheError {
  if (cause instanceof LatentCacheError) return cause;
  const message = text(cause);
  if (/unsupported image format|unsupported codec|not a known file format/i.test(message)) {
    const jxl = /^\.jxl$/i.test(extensionOf(file));
    return new LatentCacheError('ERR_IMAGE_FORMAT', `${file} is no image in a supported format`, {
      path: file,
      remedy: jxl
        ? 'JPEG XL is not decoded here: convert it to PNG.'
        : 'Supported are JPEG, PNG, WebP, BMP, AVIF, GIF and TIFF content: convert the file, or remove it from the data set.',
      cause,
    });
  }
  if (/exceeds pixel limit/i.test(message)) {
    return new LatentCacheError('ERR_IMAGE_TOO_LARGE', `${file} has more pixels than allowed`, {
      path: file,
      remedy: 'Scale the image down, or raise --max-pixels if you trust it.',
      cause,
    });
  }
  return new LatentCacheError('ERR_IMAGE_CORRUPT', `${file} cannot be decoded: ${message}`, {
    path: file,
    remedy: 'The file is damaged or cut off: copy it again or remove it from the data set.',
    cause,
  });
}

function text(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause))
    .trim()
    .replace(/\s*\n\s*/g, '; ')
    .replace(/[:;\s]+$/, '');
}

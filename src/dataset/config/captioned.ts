import { withoutExtension } from '../image-names.js';

/**
 * The images of a folder that musubi-tuner takes: those with a caption file beside them.
 *
 * @param images names of the folder's images
 * @param others names of its other files
 */
export function captionedImages(
  images: readonly string[],
  others: readonly string[],
  captionExtension: string,
): string[] {
  const captioned = new Set(
    others.filter((name) => isCaptionName(name, captionExtension)).map((name) => withoutExtension(name)),
  );
  return images.filter((name) => captioned.has(withoutExtension(name)));
}

/** Python's glob of `*` and the extension: no hidden files. */
export function isCaptionName(name: string, captionExtension: string): boolean {
  return !name.startsWith('.') && name.endsWith(captionExtension);
}

/** Which images musubi-tuner takes (`glob_images` in `dataset/media_utils.py`, `dataset/datasources.py`). */
import { extensionOf, withoutExtension } from '../../dataset/image-names.js';
import { sortByCodePoints } from '../../dataset/name-order.js';
import { LatentCacheError } from '../../errors.js';

const BASE_EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp', '.bmp', '.avif'];
/** All lower or all upper case, so that `a.Png` does not count. `.jxl` needs a plug-in that few have. */
const IMAGE_EXTENSIONS = new Set(
  BASE_EXTENSIONS.flatMap((extension) => [extension, extension.toUpperCase()]),
);

/** True for a name that the trainer's glob takes: a known extension, and no leading dot. Sub-folders are not listed. */
export function isImageName(name: string): boolean {
  return !name.startsWith('.') && IMAGE_EXTENSIONS.has(extensionOf(name));
}

/**
 * The images of a folder that have a caption beside them, in the trainer's order. The others it leaves out, and its
 * own caching script deletes their caches.
 *
 * @param names all names in the folder
 * @param captionExtension `caption_extension` of the data set, with its dot; the trainer cannot do without it
 */
export function imagesWithCaption(names: readonly string[], captionExtension: string): string[] {
  const captions = new Set<string>();
  for (const name of names) {
    if (!name.startsWith('.') && name.endsWith(captionExtension)) captions.add(withoutExtension(name));
  }
  return sortByCodePoints(names.filter((name) => isImageName(name) && captions.has(withoutExtension(name))));
}

/**
 * Paths of the images in a data set's `image_jsonl_file`, one object a line with `image_path` (or `image_path_0`) and
 * `caption`. Relative paths begin where the trainer is started.
 *
 * @throws LatentCacheError `ERR_NO_INPUT` with the number of a line that the trainer would stop on
 */
export function parseImageJsonl(text: string, file: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, index) => {
    const refuse = (reason: string, cause?: unknown): never => {
      throw new LatentCacheError('ERR_NO_INPUT', `Line ${index + 1} of ${file} ${reason}`, {
        path: file,
        remedy:
          'Each line holds one JSON object with "image_path" and "caption"; empty lines are not allowed.',
        cause,
      });
    };
    let entry: unknown;
    try {
      entry = JSON.parse(line);
    } catch (cause) {
      return refuse('is no JSON', cause);
    }
    if (typeof entry !== 'object' || entry === null) return refuse('is no object');
    const { image_path: imagePath, image_path_0: firstPath, caption } = entry as Record<string, unknown>;
    const found = imagePath === undefined ? firstPath : imagePath;
    if (typeof found !== 'string') return refuse('names no image');
    if (typeof caption !== 'string') return refuse('has no caption');
    return found;
  });
}

import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import type { Colour } from './colour.js';
import type { DecodedImage } from './decode.js';
import { dropAlpha, flattenOn } from './flatten.js';
import { mirroredOrientation, turnUpright } from './orient.js';

/** What one consumer of a decoded image wants of it. */
export interface ViewOptions {
  /** Keep a fourth channel where the image has one. */
  readonly alpha: boolean;
  /** Turn it upright by its EXIF orientation. */
  readonly upright: boolean;
  /** Mirror left to right, after turning and before any resize; a mirrored image is resized otherwise than its mirror. */
  readonly mirror?: boolean;
  /** Put transparent pixels over this colour. The result has three channels. */
  readonly background?: Colour | undefined;
}

/**
 * The pixels that a consumer wants. Nothing is copied where nothing changes: the result may be the decoded image itself
 * and share its memory.
 *
 * @param orientation 1 to 8, as in ImageInfo
 */
export async function viewOf(
  decoded: DecodedImage,
  orientation: number,
  { alpha, upright, mirror = false, background }: ViewOptions,
  binding: Pick<NativeBinding, 'flatten' | 'orient'> = loadBinding(),
): Promise<DecodedImage> {
  // Fewer channels first: there is less to turn.
  const coloured =
    background !== undefined
      ? await flattenOn(decoded, background, binding)
      : alpha
        ? decoded
        : await dropAlpha(decoded, binding);
  const turn = upright ? orientation : 1;
  return turnUpright(coloured, mirror ? mirroredOrientation(turn) : turn, binding);
}

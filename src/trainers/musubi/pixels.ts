/**
 * How musubi-tuner gets from an image file to an encoder's pixels (`dataset/datasources.py`,
 * `dataset/media_utils.py`, `cache_latents.py`):
 *
 * 1. Pillow opens the first frame; EXIF orientation and ICC profile are ignored. Modes RGB and RGBA stay, every other
 *    mode becomes RGB by `convert("RGB")`, whatever transparency it has.
 * 2. The whole image is resized, with its alpha; then the bucket is cut out of the middle. No step is taken when the
 *    image has the bucket's size.
 * 3. Only then alpha is dropped; the colours under it stay, but an enlarged image has been through premultiplication.
 * 4. float32 value / 127.5 − 1, then the VAE's type.
 */
import type { Size } from '../../dataset/bucket.js';

export interface MusubiResize {
  /** OpenCV's INTER_AREA or Pillow's LANCZOS; without effect where the size stays. */
  readonly interpolation: 'area' | 'lanczos';
  /**
   * Pillow resizes RGBA premultiplied: c·α/255 rounded, four channels resized, then 255·c/α truncated (α of 0 and 255
   * leave c). OpenCV takes the four channels one by one, so that alpha changes nothing there.
   */
  readonly premultiply: boolean;
}

/**
 * @param original size of the decoded image
 * @param resized size of the whole image after resizing, as `MusubiBuckets` gives it
 * @param isRgba whether Pillow opens the image as RGBA: see `opensAsRgba`
 */
export function musubiResize(original: Size, resized: Size, isRgba: boolean): MusubiResize {
  // The trainer asks for a scale above 1; then, and only then, the side with that scale has grown.
  const grows = resized.width > original.width || resized.height > original.height;
  return grows
    ? { interpolation: 'lanczos', premultiply: isRgba }
    : { interpolation: 'area', premultiply: false };
}

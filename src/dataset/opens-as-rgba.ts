/** What a file's header says of its alpha channel. */
export interface AlphaFacts {
  /** By content: `png`, `webp`, `heif` (AVIF), `tiff`, `gif`, `jpeg`, `bmp`. */
  readonly format: string;
  readonly hasAlpha: boolean;
  /** Channels of the stored pixels, alpha included. */
  readonly channels: number;
  /** The first 26 bytes of a PNG file at least. */
  readonly head: Uint8Array;
}

/**
 * Whether Pillow opens an image in mode RGBA, so that its alpha reaches the resampler. Grey with alpha does only at 16
 * bits; palettes, grey and RGB with a transparent colour, GIF and CMYK never do. Of bitmaps, those do whose masks have
 * one for alpha: `hasAlpha` has to tell.
 */
export function opensAsRgba({ format, hasAlpha, channels, head }: AlphaFacts): boolean {
  if (!hasAlpha) return false;
  switch (format) {
    case 'png': {
      const [depth, colourType] = [head[24], head[25]];
      return colourType === 6 || (colourType === 4 && depth === 16);
    }
    case 'tiff':
      return channels === 4;
    case 'webp':
    case 'heif':
    case 'bmp':
      return true;
    default:
      return false;
  }
}

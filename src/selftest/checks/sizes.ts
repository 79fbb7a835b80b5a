import type { PlannedSize } from '../../encoder/encoder.js';

export const SIZE = { width: 256, height: 256 };
/** Needs four times as much: does not fit where two of the others do not. */
export const LARGE = { width: 512, height: 512 };

/** One list for all checks on the small VAE, so that a GPU builds one engine for them. */
export const SIZES: readonly PlannedSize[] = [
  { ...SIZE, images: 4 },
  { ...LARGE, images: 1 },
];

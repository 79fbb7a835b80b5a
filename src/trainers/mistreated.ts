import type { Mistreated } from './trainer.js';

/** Pillow's `convert("RGB")`, which all of them call, ignores profiles, drops alpha and keeps 8 bits. */
export const BY_CONVERT: readonly Mistreated[] = ['icc-profile', 'transparency', 'cmyk', '16-bit'];

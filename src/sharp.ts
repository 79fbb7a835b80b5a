import { createRequire } from 'node:module';
import type Sharp from 'sharp';

/**
 * sharp's CommonJS build: its ES modules use import attributes, which Node 20.9 does not know although sharp supports it.
 */
export const sharp = createRequire(import.meta.url)('sharp') as typeof Sharp;

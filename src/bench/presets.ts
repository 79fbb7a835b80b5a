/** The work that can be measured: sizes of photos, and the buckets that they go to. */
import type { Size } from '../dataset/bucket.js';
import { LatentCacheError } from '../errors.js';
import type { ModelId } from '../model/catalog.js';

export interface Preset {
  readonly name: string;
  readonly model: ModelId;
  readonly resolution: Size;
  readonly enableBucket: boolean;
  /** Of the photos, over and over. */
  readonly sources: readonly Size[];
  /** Unless asked for another number. */
  readonly images: number;
}

export const PRESET_NAMES = ['sd-512', 'sdxl-1024', 'flux-1024', 'mixed-buckets'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Common formats of photos, of about a megapixel; six buckets of SDXL's. */
const MIXED: readonly Size[] = [
  { width: 1216, height: 832 },
  { width: 832, height: 1216 },
  { width: 1200, height: 1200 },
  { width: 1536, height: 864 },
  { width: 900, height: 1600 },
  { width: 1344, height: 1008 },
];

const PRESETS: Readonly<Record<PresetName, Preset>> = {
  'sd-512': squarePreset('sd-512', 'sd', { width: 512, height: 512 }, 32),
  'sdxl-1024': squarePreset('sdxl-1024', 'sdxl', { width: 1024, height: 1024 }, 16),
  'flux-1024': squarePreset('flux-1024', 'flux', { width: 1024, height: 1024 }, 16),
  'mixed-buckets': {
    name: 'mixed-buckets',
    model: 'sdxl',
    resolution: { width: 1024, height: 1024 },
    enableBucket: true,
    sources: MIXED,
    images: 24,
  },
};

/** @throws LatentCacheError ERR_OPTION */
export function presetNamed(name: string): Preset {
  const preset = PRESET_NAMES.find((known) => known === name);
  if (preset !== undefined) return PRESETS[preset];
  throw new LatentCacheError('ERR_OPTION', `preset must be ${PRESET_NAMES.join(', ')}, got '${name}'`, {
    remedy: 'For another size, use --size.',
  });
}

/** All images are resized and cropped to one size. */
export function customPreset(model: ModelId, size: Size): Preset {
  return squarePreset('custom', model, size, 16);
}

/** Photos as they are: larger than what is made of them, most of another shape. */
function squarePreset(name: string, model: ModelId, size: Size, images: number): Preset {
  const scaled = (horizontal: number, vertical: number): Size => ({
    width: Math.round(size.width * horizontal),
    height: Math.round(size.height * vertical),
  });
  const sources = [scaled(1.5, 1), scaled(1, 1.5), scaled(1.25, 1.25), scaled(1, 1)];
  return { name, model, resolution: size, enableBucket: false, sources, images };
}

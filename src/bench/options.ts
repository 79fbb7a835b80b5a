import type { Size } from '../dataset/bucket.js';
import { LatentCacheError } from '../errors.js';
import type { ModelId } from '../model/catalog.js';
import type { BuildOptions } from '../pipeline/options.js';
import { customPreset, type Preset, type PresetName, presetNamed } from './presets.js';

/** What encodes is chosen as for `buildCache`. */
export interface BenchOptions
  extends Pick<
    BuildOptions,
    | 'backend'
    | 'precision'
    | 'accuracy'
    | 'device'
    | 'vramBudget'
    | 'attentionChunks'
    | 'libraryDir'
    | 'engineDir'
    | 'threads'
    | 'signal'
    | 'binding'
  > {
  /** This or `size`. */
  readonly preset?: PresetName;
  /** A size of one's own that all images are made. */
  readonly size?: Size;
  /** Of `size`. Default 'sdxl'. */
  readonly model?: ModelId;
  /** Of the input set; default: the preset's own number. */
  readonly images?: number;
  /** Default: random weights of full size, the same on every machine, whose arithmetic is the real one's. */
  readonly vae?: string;
  /** Images at once, instead of the fastest that fits. */
  readonly batch?: number;
  /** Of every measurement; default 3. */
  readonly repetitions?: number;
  /** That encoding is repeated for at least; default 60. */
  readonly seconds?: number;
  /** Four images, no minimum of seconds, batches of 1 and 2: to see it work. */
  readonly quick?: boolean;
  /** 10^12 operations a second that the device can do, where no rate of it is known. */
  readonly peakTflops?: number;
  /** Is told what is being done, in words. */
  readonly onProgress?: (what: string) => void;
}

export interface BenchSettings {
  readonly preset: Preset;
  readonly images: number;
  readonly batch: number | undefined;
  readonly repetitions: number;
  readonly seconds: number;
  readonly quick: boolean;
  readonly peakTflops: number | undefined;
}

const MOST_IMAGES = 4096;
const QUICK_IMAGES = 4;

/** @throws LatentCacheError ERR_OPTION */
export function resolveBenchOptions(options: BenchOptions): BenchSettings {
  const { quick = false, batch, peakTflops } = options;
  const preset = choosePreset(options);
  return {
    preset,
    quick,
    images: within('images', options.images ?? (quick ? QUICK_IMAGES : preset.images), 1, MOST_IMAGES),
    batch: batch === undefined ? undefined : within('batch', batch, 1, 1024),
    repetitions: within('repetitions', options.repetitions ?? 3, 1, 1000),
    seconds: within('seconds', options.seconds ?? (quick ? 0 : 60), 0, 86_400),
    peakTflops: peakTflops === undefined ? undefined : positive('peak_tflops', peakTflops),
  };
}

function choosePreset({ preset, size, model }: BenchOptions): Preset {
  if (preset !== undefined && size !== undefined) refuse('preset and size exclude each other');
  if (preset !== undefined) {
    if (model !== undefined) refuse('a preset has its own model; model goes with size');
    return presetNamed(preset);
  }
  if (size === undefined) return refuse('either preset or size is needed');
  return customPreset(model ?? 'sdxl', {
    width: within('size', size.width, 64, 8192),
    height: within('size', size.height, 64, 8192),
  });
}

function within(name: string, value: number, minimum: number, maximum: number): number {
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value;
  return refuse(`${name} must be a whole number from ${minimum} to ${maximum}, got ${value}`);
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  return refuse(`${name} must be a number above 0, got ${value}`);
}

function refuse(message: string): never {
  throw new LatentCacheError('ERR_OPTION', message);
}

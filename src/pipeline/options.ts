import { freemem, totalmem } from 'node:os';
import { LATENT_DTYPES, type LatentDtype } from '../cache/latent-entry.js';
import { isSimulated } from '../cache/provenance.js';
import type { Size } from '../dataset/bucket.js';
import type { DatasetSettings, ListedImage } from '../dataset/config/types.js';
import { INTERPOLATION_NAMES } from '../dataset/interpolation-names.js';
import type { Encoder } from '../encoder/encoder.js';
import { checkBudget, type VramBudget } from '../encoder/memory-budget.js';
import { ACCURACIES } from '../encoder/onednn/precision.js';
import { PRECISIONS } from '../encoder/precision-names.js';
import { BACKENDS } from '../encoder/select.js';
import type { Residency } from '../memory/governor.js';
import { MODEL_IDS, type ModelFacts, type ModelId } from '../model/catalog.js';
import type { PatchStatistics } from '../model/normalise.js';
import type { Interpolation, NativeBinding } from '../native/binding.js';
import { type Colour, parseColour } from '../pixels/colour.js';
import type { ControlSettings } from '../trainers/settings.js';
import { FORMAT_IDS, type FormatId, type Trainer } from '../trainers/trainer.js';
import { integer, oneOf, optionalInteger, refuse } from './option-values.js';

/** The values of the options that take one of a few, for the CLI and for checking. */
export const CHOICES = {
  model: MODEL_IDS,
  format: FORMAT_IDS,
  backend: BACKENDS,
  precision: PRECISIONS,
  accuracy: ACCURACIES,
  posterior: ['mean', 'sample'],
  dtype: LATENT_DTYPES,
  stale: ['set-aside', 'keep'],
  webpSize: ['trainer', 'decoded'],
  icc: ['ignore', 'srgb'],
  oomFallback: ['cpu', 'fail'],
  resizeInterpolation: INTERPOLATION_NAMES,
} as const;

export type Choice<Name extends keyof typeof CHOICES> = (typeof CHOICES)[Name][number];

export type Resolution = number | Size;

/** An encoder of your own; it is not disposed. */
export interface LentEncoder {
  readonly encoder: Encoder;
  /** A name for its weights. */
  readonly fingerprint: string;
  /** Of its VAE's batch norm: models whose normalisation is of patches (FLUX.2) need them. */
  readonly patchStatistics?: PatchStatistics;
}

/** What `buildCache` takes. Names are sd-scripts' own; everything but `inputs` and the VAE has a default. */
export interface BuildOptions {
  /** Folders with images; or one of the two below. */
  readonly inputs?: readonly string[];
  /** The data sets of sd-scripts or musubi-tuner, in the file that their `--dataset_config` takes. */
  readonly datasetConfig?: string;
  /** As sd-scripts' own: a folder with sub-folders `{repeats}_{class}`; with `inJson`, that of the images. */
  readonly trainDataDir?: string;
  /** As sd-scripts' own: the images and their sizes, as its tools for fine-tuning write them. */
  readonly inJson?: string;
  /** Default: the one that the VAE's file belongs to, where that can be told; see `recogniseModel`. */
  readonly model?: ModelId;
  /** A `.safetensors` file: a VAE or a full checkpoint. Not needed with `encoder`. */
  readonly vae?: string;
  /** Instead of the VAE. Needs `model`. */
  readonly encoder?: LentEncoder;

  /**
   * Pixels: one side for a square, or width and height. Default: what the model was trained at. Of a list, each image is
   * cached at every resolution.
   */
  readonly resolution?: Resolution | readonly Resolution[];
  readonly enableBucket?: boolean;
  readonly minBucketReso?: number;
  readonly maxBucketReso?: number;
  readonly bucketResoSteps?: number;
  readonly bucketNoUpscale?: boolean;
  readonly flipAug?: boolean;
  readonly alphaMask?: boolean;
  /** Default: the trainer's rule, area when shrinking and Lanczos otherwise. */
  readonly resizeInterpolation?: Choice<'resizeInterpolation'>;
  /** Turn images upright by their EXIF orientation, where the trainer would train them as they are stored. */
  readonly autoOrient?: boolean;
  /** `srgb`: convert from an embedded colour profile, which the trainers ignore. */
  readonly icc?: Choice<'icc'>;
  /**
   * Put transparent pixels over this colour, `#rrggbb`, `white`, `black` or `r,g,b`; the trainers let the colours under
   * them show.
   */
  readonly alphaBackground?: string;
  readonly vaeBatchSize?: number | 'auto';
  /** Keep every complete cache of the right size, whoever wrote it and with whatever VAE. */
  readonly skipExisting?: boolean;
  /** Try damaged images again although their files have not changed. */
  readonly retryFailed?: boolean;
  readonly recursive?: boolean;
  /** Ending of caption files, for trainers that leave images without one out. Default: the trainer's own. */
  readonly captionExtension?: string;

  /** Whose caches; of a list, all of them. Default: sd-scripts. */
  readonly format?: FormatId | readonly FormatId[];
  readonly backend?: Choice<'backend'>;
  /** What convolutions compute in; each backend refuses what it does not have. */
  readonly precision?: Choice<'precision'>;
  /** What the CPU's 'auto' precision keeps; see `OnednnOptions`. */
  readonly accuracy?: Choice<'accuracy'>;
  /** Index of the GPU. */
  readonly device?: number;
  /** Memory for weights and runs together: the GPU's, or main memory where the CPU encodes with oneDNN. */
  readonly vramBudget?: VramBudget;
  /**
   * Keep all engines and memory between buckets, as far as the plan proves that they fit. With `lowvram`: the smallest
   * footprint, one image a run.
   */
  readonly highvram?: boolean;
  readonly lowvram?: boolean;
  /** Where an image goes that does not fit on the device by any means. */
  readonly oomFallback?: Choice<'oomFallback'>;
  /** Write the useless latents of a simulated GPU, for tests of what comes after. */
  readonly allowSimulated?: boolean;
  /** Write the latents of a tiny encoder (TAESD), which only resemble the VAE's. */
  readonly allowApproximate?: boolean;
  /** Pieces in which the attention works through its queries; default: by the size. */
  readonly attentionChunks?: number;
  /** Folders in which CUDA and TensorRT are looked for first. */
  readonly libraryDir?: readonly string[];
  /** Folder of compiled engines. */
  readonly engineDir?: string;
  /** Threads of the CPU encoder. */
  readonly threads?: number;
  readonly posterior?: Choice<'posterior'>;
  readonly seed?: number;
  /** Of the stored latents. Default: what the trainer itself writes. */
  readonly dtype?: LatentDtype;
  readonly legacyName?: boolean;
  /** File name suffix instead of the model's own. */
  readonly suffix?: string;
  readonly multiResolutionKeys?: boolean;
  /** What happens to a file that the trainer would read instead of ours. */
  readonly stale?: Choice<'stale'>;
  /**
   * The size by which WebP files with an extended header are named and bucketed: as sd-scripts' imagesize 1.4.1 reads
   * it (each side one pixel short), or as it is.
   */
  readonly webpSize?: Choice<'webpSize'>;
  /** Write here, with the folders of the inputs below it, instead of beside the images. */
  readonly outDir?: string;
  readonly dryRun?: boolean;
  /** Bytes of decoded pixels held at once. */
  readonly memoryBudget?: number | 'auto';
  /** Images of more pixels are refused. */
  readonly maxPixels?: number;
  /** Ends the run after the batch in flight. */
  readonly signal?: AbortSignal;
  /** Replaces the native addon, for tests and embedders. */
  readonly binding?: NativeBinding;
}

/** What is done to pixels beyond what the trainer does. */
export interface PixelChoices {
  /** EXIF orientation is applied where the trainer ignores it. */
  readonly autoOrient: boolean;
  readonly icc: Choice<'icc'>;
  /** Transparent pixels are put over it. */
  readonly background: Colour | undefined;
}

/** What holds for a whole run, with every default filled in and every value checked. */
export interface RunSettings {
  readonly model: ModelFacts;
  readonly vaeBatchSize: number | 'auto';
  readonly skipExisting: boolean;
  readonly retryFailed: boolean;
  readonly backend: Choice<'backend'>;
  readonly precision: Choice<'precision'>;
  readonly accuracy: Choice<'accuracy'>;
  readonly device: number;
  readonly vramBudget: VramBudget;
  readonly residency: Residency;
  readonly oomFallback: Choice<'oomFallback'>;
  readonly attentionChunks: number | undefined;
  readonly libraryDir: readonly string[];
  readonly engineDir: string | undefined;
  readonly threads: number | undefined;
  readonly posterior: Choice<'posterior'>;
  readonly seed: number;
  readonly stale: Choice<'stale'>;
  readonly pixels: PixelChoices;
  /** Nothing is encoded. */
  readonly dryRun: boolean;
  /** No file is written, moved or removed. */
  readonly leaveFiles: boolean;
  /** Caches are none: a simulated GPU makes them. */
  readonly simulated: boolean;
  /** A tiny encoder's latents may be written. */
  readonly allowApproximate: boolean;
  readonly memoryBudget: number;
  readonly maxPixels: number;
}

/** Folders, and what their description says of them. */
export interface Source {
  readonly inputs: readonly string[];
  /** Only these of their images. */
  readonly images?: readonly ListedImage[] | undefined;
  /** Not these of their images: another source has them. */
  readonly except?: readonly ListedImage[] | undefined;
  readonly settings?: DatasetSettings;
  readonly captionExtension?: string | undefined;
  /** Where musubi's caches go. */
  readonly outDir?: string | undefined;
  readonly recursive?: boolean;
  readonly controls?: SourceControls | undefined;
}

/** The control images of a source. */
export interface SourceControls extends ControlSettings {
  /** Where they are; absent: the list of images names them. */
  readonly directory?: string | undefined;
}

/** What is asked for one trainer, one set of folders and one resolution; a run has one or several of them. */
export interface Target extends RunSettings {
  readonly inputs: readonly string[];
  /** Only these of their images; undefined: all. */
  readonly images: readonly ListedImage[] | undefined;
  /** Folder of their control images, which the trainer's rules share out. */
  readonly controlDirectory: string | undefined;
  /** Not these of their images. */
  readonly except: readonly ListedImage[] | undefined;
  readonly recursive: boolean;
  readonly outDir: string | undefined;
  readonly trainer: Trainer;
  readonly resolution: Size;
  readonly flipAug: boolean;
  readonly alphaMask: boolean;
  /** What was asked for; undefined: the trainer's own rule. */
  readonly resizeInterpolation: Interpolation | undefined;
  readonly dtype: LatentDtype;
}

/** Pillow raises DecompressionBombError above twice its MAX_IMAGE_PIXELS, so the trainer stops there too. */
export const DEFAULT_MAX_PIXELS = 2 * Math.floor((1024 * 1024 * 1024) / 4 / 3);

const MIB = 2 ** 20;

/**
 * @param model of `options.model`, or the one that was recognised
 * @throws LatentCacheError `ERR_OPTION` with the option, what it takes and what it got
 */
export function resolveRun(options: BuildOptions, model: ModelFacts): RunSettings {
  const batch = options.vaeBatchSize ?? 'auto';
  const simulated = isSimulated(options.backend ?? 'auto');
  return {
    model,
    vaeBatchSize: batch === 'auto' ? batch : integer('vae_batch_size', batch, 1, 1024),
    skipExisting: options.skipExisting ?? false,
    retryFailed: options.retryFailed ?? false,
    backend: oneOf('backend', options.backend ?? 'auto', CHOICES.backend),
    precision: oneOf('precision', options.precision ?? 'auto', CHOICES.precision),
    accuracy: oneOf('accuracy', options.accuracy ?? 'float32', CHOICES.accuracy),
    device: integer('device', options.device ?? 0, 0, 1023),
    vramBudget: checkBudget(options.vramBudget ?? 'auto'),
    residency: residency(options),
    oomFallback: oneOf('oom_fallback', options.oomFallback ?? 'cpu', CHOICES.oomFallback),
    attentionChunks: optionalInteger('attention_chunks', options.attentionChunks, 4096),
    libraryDir: options.libraryDir ?? [],
    engineDir: options.engineDir,
    threads: optionalInteger('threads', options.threads, 4096),
    posterior: oneOf('posterior', options.posterior ?? 'mean', CHOICES.posterior),
    seed: integer('seed', options.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
    pixels: {
      autoOrient: options.autoOrient ?? false,
      icc: oneOf('icc', options.icc ?? 'ignore', CHOICES.icc),
      background:
        options.alphaBackground === undefined
          ? undefined
          : parseColour(options.alphaBackground, 'alpha_background'),
    },
    stale: oneOf('stale', options.stale ?? 'set-aside', CHOICES.stale),
    dryRun: options.dryRun ?? false,
    leaveFiles: options.dryRun === true || (simulated && options.allowSimulated !== true),
    simulated,
    allowApproximate: options.allowApproximate ?? false,
    memoryBudget: memoryBudget(options.memoryBudget ?? 'auto'),
    maxPixels: integer('max_pixels', options.maxPixels ?? DEFAULT_MAX_PIXELS, 1, Number.MAX_SAFE_INTEGER),
  };
}

/**
 * What TypeScript does not see at run time.
 *
 * @throws LatentCacheError `ERR_OPTION`
 */
export function checkTypes(options: BuildOptions): void {
  const { inputs = [] } = options;
  if (!Array.isArray(inputs) || inputs.some((input) => typeof input !== 'string')) {
    refuse('inputs must be a list of folders');
  }
  for (const name of BOOLEANS) {
    if (!['boolean', 'undefined'].includes(typeof options[name])) refuse(`${name} must be true or false`);
  }
  for (const name of PATHS) {
    const folder = options[name];
    if (folder !== undefined && (typeof folder !== 'string' || folder === ''))
      refuse(`${name} must be a path`);
  }
  const { libraryDir = [] } = options;
  if (!Array.isArray(libraryDir) || libraryDir.some((folder) => typeof folder !== 'string')) {
    refuse('libraryDir must be a list of folders');
  }
}

const PATHS = ['vae', 'outDir', 'engineDir', 'datasetConfig', 'trainDataDir', 'inJson'] as const;

const BOOLEANS = [
  'enableBucket',
  'bucketNoUpscale',
  'flipAug',
  'alphaMask',
  'skipExisting',
  'retryFailed',
  'recursive',
  'legacyName',
  'multiResolutionKeys',
  'dryRun',
  'highvram',
  'lowvram',
  'allowSimulated',
  'allowApproximate',
  'autoOrient',
] as const;

function residency({ highvram, lowvram }: BuildOptions): Residency {
  if (highvram && lowvram) refuse('highvram and lowvram exclude each other');
  if (highvram) return 'highvram';
  return lowvram ? 'lowvram' : 'default';
}

/** auto: a quarter of the memory, at most 2 GiB, and never more than half of what is free. */
function memoryBudget(value: number | 'auto'): number {
  if (value !== 'auto') return integer('memory_budget', value, MIB, Number.MAX_SAFE_INTEGER);
  const limit = process.constrainedMemory();
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.max(64 * MIB, Math.min(total / 4, freemem() / 2, 2048 * MIB));
}

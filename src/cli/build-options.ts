/** The options of a build, in groups that other commands take as well. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BUCKET_DEFAULTS, type Size } from '../dataset/bucket.js';
import type { VramBudget } from '../encoder/memory-budget.js';
import { CHOICES, DEFAULT_MAX_PIXELS } from '../pipeline/options.js';
import type { FormatId } from '../trainers/trainer.js';
import { parseBytes } from './format.js';
import { parseCount, parseSize } from './parse.js';

export function addModelOptions(command: Command): Command {
  return command
    .requiredOption('--vae <file>', 'VAE or full checkpoint, .safetensors')
    .addOption(
      new Option(
        '--model <model>',
        'what the latents are for (default: what the file of the VAE tells)',
      ).choices(CHOICES.model),
    );
}

export function addDatasetOptions(command: Command): void {
  const { minBucketReso, maxBucketReso, bucketResoSteps } = BUCKET_DEFAULTS;
  const by = (value: number) => `(default: ${value})`;
  command
    .optionsGroup('Data set (names and meaning as in sd-scripts):')
    .option(
      '--dataset-config <file>',
      "the trainer's own: of sd-scripts or musubi-tuner (default: the folders that are named)",
    )
    .option(
      '--train-data-dir <dir>',
      'sub-folders named {repeats}_{class}; with --in-json, the folder of the images (default: the folders that are named)',
    )
    .option('--in-json <file>', "images and sizes, as sd-scripts' tools write them (default: all images)")
    .option(
      '--resolution <size>',
      'side or width,height in pixels; given again, each image is cached at each (default: what the model was trained at)',
      collectSize,
    )
    .option('--enable-bucket', 'sort images into buckets by aspect ratio (default: off, as in sd-scripts)')
    .option('--no-enable-bucket', 'one size for all: resize and crop to the resolution')
    .option('--min-bucket-reso <pixels>', `shortest side of a bucket ${by(minBucketReso)}`, parseCount)
    .option('--max-bucket-reso <pixels>', `longest side of a bucket ${by(maxBucketReso)}`, parseCount)
    .option('--bucket-reso-steps <pixels>', `sides are multiples of this ${by(bucketResoSteps)}`, parseCount)
    .option('--bucket-no-upscale', 'never enlarge an image; buckets are made to measure (default: off)')
    .option('--flip-aug', 'also encode the mirrored image (default: off)')
    .option('--alpha-mask', "store each image's alpha channel as its loss mask (default: off)")
    .addOption(
      new Option(
        '--resize-interpolation <name>',
        'resampler (default: area to shrink, lanczos to enlarge)',
      ).choices(CHOICES.resizeInterpolation),
    )
    .option('--recursive', 'search sub-folders too (default: off)')
    .option('--max-pixels <count>', 'refuse larger images', parseCount, DEFAULT_MAX_PIXELS)
    .addOption(
      new Option(
        '--webp-size <which>',
        'size of WebP files with an extended header: as sd-scripts reads it, one pixel short, or as it is (default: trainer)',
      ).choices(CHOICES.webpSize),
    )
    .option(
      '--caption-extension <ending>',
      'of caption files; musubi-tuner leaves images without one out (default: .txt)',
    )
    .optionsGroup('Pixels, otherwise than the trainer (default: bit for bit as the trainer):')
    .option('--auto-orient', 'turn images upright by their EXIF orientation (default: off)')
    .addOption(
      new Option('--icc <what>', 'srgb: convert from embedded colour profiles (default: ignore)').choices(
        CHOICES.icc,
      ),
    )
    .option(
      '--alpha-background <colour>',
      'put transparent pixels over it: #rrggbb, r,g,b, white or black (default: what hides under them shows)',
    );
}

export function addCacheOptions(command: Command): void {
  command
    .optionsGroup('Cache files:')
    .addOption(
      new Option(
        '--format <names>',
        `whose caches, of several with commas between: ${CHOICES.format.join(', ')} (default: sd-scripts)`,
      ).argParser(parseFormats),
    )
    .addOption(
      new Option('--dtype <type>', 'of the stored latents (default: as the trainer writes them)').choices(
        CHOICES.dtype,
      ),
    )
    .addOption(
      new Option('--posterior <what>', 'store the mean, or a sample as sd-scripts draws it')
        .choices(CHOICES.posterior)
        .default('mean'),
    )
    .option('--seed <number>', 'of the samples; each image has its own noise', parseCount, 0)
    .option('--legacy-name', '{image}.npz, read by every version of sd-scripts (default: off)')
    .option('--suffix <text>', 'suffix of the file name of sd-scripts caches (default: as the model)')
    .option('--multi-resolution-keys', 'keys with the latent size, several resolutions a file (default: off)')
    .addOption(
      new Option(
        '--stale <what>',
        'old files that the trainer would read instead: move them out of its sight, or keep',
      )
        .choices(CHOICES.stale)
        .default('set-aside'),
    )
    .option(
      '--skip-existing',
      'keep complete caches whoever made them (default: only those of this VAE and settings)',
    )
    .option('--retry-failed', 'try damaged images again although their files have not changed (default: off)')
    .option(
      '--out-dir <dir>',
      'write below this folder (default: beside the images, where the trainer looks)',
    );
}

/** What encodes, and with how much memory. */
export function addEncoderOptions(command: Command): void {
  addBackendOptions(command);
  command
    .option(
      '--highvram',
      'keep engines and memory between buckets, as far as the plan proves that they fit (default: off)',
    )
    .option(
      '--lowvram',
      'the smallest footprint: one image at once, attention in small pieces (default: off)',
    )
    .addOption(
      new Option('--oom-fallback <where>', 'images that do not fit on the device by any means go there')
        .choices(CHOICES.oomFallback)
        .default('cpu'),
    )
    .option('--vae-batch-size <n>', 'images encoded at once, or auto', parseBatch, 'auto');
}

/** The part of them that says what runs and where. */
export function addBackendOptions(command: Command): void {
  command
    .optionsGroup('Encoder:')
    .addOption(
      new Option('--backend <name>', 'what encodes; cpu is oneDNN, or onnxruntime where that was not built')
        .choices(CHOICES.backend)
        .default('auto'),
    )
    .addOption(
      new Option(
        '--precision <name>',
        'of convolutions; auto is fp16 with scaled activations on a GPU, and what --accuracy allows on a CPU',
      )
        .choices(CHOICES.precision)
        .default('auto'),
    )
    .addOption(
      new Option('--accuracy <class>', 'on a CPU, auto precision is the fastest that is as close as this')
        .choices(CHOICES.accuracy)
        .default('float32'),
    )
    .option(
      '--vram-budget <size>',
      'memory for encoding, e.g. 8GiB or 75%, or auto: 90 % of what is free on the GPU, less a reserve; ' +
        'with oneDNN main memory, 80 % of what is free',
      parseVramBudget,
      'auto',
    )
    .option('--attention-chunks <n>', 'pieces of the attention (default: by the image size)', parseCount)
    .option(
      '--library-dir <dir>',
      'folder with CUDA or TensorRT libraries, may be repeated (default: where pip and the CUDA toolkit put them)',
      collect,
    )
    .option('--engine-dir <dir>', 'folder of compiled engines (default: ~/.cache/latent-cache/engines)')
    .option(
      '--threads <n>',
      'threads of the CPU encoder (default: all processors that affinity and cgroup allow)',
      parseCount,
    );
}

export function addRunOptions(command: Command): void {
  command
    .optionsGroup('Run:')
    .option('--memory-budget <size>', 'decoded pixels held at once, e.g. 2GiB, or auto', parseBudget, 'auto')
    .option(
      '--allow-simulated',
      "write a simulated GPU's latents, which are good for tests only (default: off)",
    )
    .option(
      '--allow-approximate',
      "write a tiny encoder's latents, which only resemble the VAE's (default: off)",
    )
    .option('--dry-run', 'show what would be done and touch nothing (default: off)')
    .addOption(
      new Option('--log-format <format>', 'text, or one JSON object an event')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--report <file>', 'write the summary with all failures as JSON (default: none)');
}

function collectSize(text: string, sizes: readonly Size[] = []): readonly Size[] {
  return [...sizes, parseSize(text)];
}

function parseFormats(text: string): readonly FormatId[] {
  return text.split(',').map((name) => {
    const format = CHOICES.format.find((each) => each === name.trim());
    if (format === undefined)
      throw new InvalidArgumentError(`Expected ${CHOICES.format.join(', ')}, or some of them with commas.`);
    return format;
  });
}

function parseBatch(text: string): number | 'auto' {
  return text === 'auto' ? text : parseCount(text);
}

export function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

function parseVramBudget(text: string): VramBudget {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())?.[1];
  if (percent !== undefined) return { fraction: Number(percent) / 100 };
  return parseBudget(text);
}

function parseBudget(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError('Expected a size such as 8GiB, 512MiB or auto.');
  return bytes;
}

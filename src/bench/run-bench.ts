/** `bench`: measures every stage of a build alone, then whole builds, and writes down on what. */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { throwIfAborted } from '../abort.js';
import { sizeName } from '../dataset/size.js';
import type { Encoder, Moments, PlannedSize } from '../encoder/encoder.js';
import { createEncoder } from '../encoder/select.js';
import { listDevices } from '../encoder/tensorrt/devices.js';
import { findLibraryFolders } from '../encoder/tensorrt/find-libraries.js';
import { LatentCacheError } from '../errors.js';
import { MODELS, type ModelId } from '../model/catalog.js';
import { loadVae } from '../model/load-vae.js';
import { writeSeededVae } from '../model/seeded-vae.js';
import type { NativeBinding, NvmlDevice } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import { buildCache } from '../pipeline/build-cache.js';
import { Dataset } from '../pipeline/dataset.js';
import { encoderOptionsOf } from '../pipeline/encoder-options.js';
import type { SummaryEvent } from '../pipeline/events.js';
import type { BuildOptions, LentEncoder, Target } from '../pipeline/options.js';
import { countSizes } from '../pipeline/prepare-engines.js';
import { recipeOf } from '../pipeline/recipe.js';
import { resolveOptions } from '../pipeline/resolve-options.js';
import { sourceOf } from '../pipeline/source-of.js';
import { surveyDataset } from '../pipeline/survey.js';
import type { WorkUnit } from '../pipeline/work-unit.js';
import { SD_SCRIPTS_MODELS } from '../trainers/sd-scripts/models.js';
import type { FormatId } from '../trainers/trainer.js';
import { assembleReport } from './assemble-report.js';
import { type Batch, cutBatches, encodePass, type Pass, type PlannedBatch } from './encode-passes.js';
import { GpuWatch, readNvml, type Watched } from './gpu-watch.js';
import { measurePreparation, measureWriting } from './host-stages.js';
import { writeInputSet } from './input-set.js';
import { type BenchOptions, type BenchSettings, resolveBenchOptions } from './options.js';
import { checkParity } from './parity.js';
import type { BenchReport } from './report.js';
import { secondsOf } from './stop-watch.js';
import { bestOf, type SweepResult, sweepBatches } from './sweep.js';

/** Of the weights, where no VAE is given: part of what makes two reports comparable. */
const WEIGHTS_SEED = 1;
/** That are encoded again by the reference. */
const PARITY_IMAGES = 2;

/**
 * Works in a folder of its own below the system's for temporary files, and removes it.
 *
 * @throws LatentCacheError ERR_OPTION, ERR_OUTPUT_NOT_WRITABLE, ERR_ABORTED, ERR_DEVICE_OUT_OF_MEMORY (one image does not
 * fit), and what `loadVae`, `createEncoder` and `buildCache` throw.
 */
export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const settings = resolveBenchOptions(options);
  const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-bench-'));
  try {
    return await new Bench(options, settings, folder).run();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The images as a build would take them, all in one order: by bucket, then by name. */
interface WorkSet {
  readonly items: readonly WorkUnit[];
  readonly buckets: readonly PlannedSize[];
  /** Numbers of the images in each bucket, by `sizeName`. */
  readonly numbers: ReadonlyMap<string, readonly number[]>;
}

interface Encoded {
  readonly samples: readonly number[];
  /** Of each image. */
  readonly moments: readonly Pick<Moments, 'mean' | 'logvar'>[];
  readonly watched: Watched;
  /** Joule an image. */
  readonly joule: number | null;
}

interface Gpu {
  readonly driver: string | null;
  read(): Promise<NvmlDevice | null>;
}

class Bench {
  private readonly load = loadavg()[0]!;
  private readonly binding: NativeBinding;
  private readonly signal: AbortSignal | undefined;
  private readonly photos: string;
  private readonly say: (what: string) => void;

  constructor(
    private readonly options: BenchOptions,
    private readonly bench: BenchSettings,
    private readonly folder: string,
  ) {
    this.binding = options.binding ?? loadBinding();
    this.signal = options.signal;
    this.photos = path.join(folder, 'photos');
    this.say = options.onProgress ?? (() => {});
  }

  async run(): Promise<BenchReport> {
    const { options, bench, say } = this;
    const {
      targets: [settings],
    } = await resolveOptions(this.buildOptions());
    const vae = options.vae ?? (await this.drawWeights());
    say(`Drawing ${bench.images} photos`);
    const input = await writeInputSet(bench.preset, bench.images, this.photos, this.signal);
    const set = await this.survey(settings);
    say('Starting the encoder');
    const weights = await loadVae(vae, { model: bench.preset.model, ...this.abort() });
    const { architecture, fingerprint, patchStatistics } = weights;
    const { encoder, reason } = await createEncoder(weights, {
      ...encoderOptionsOf(settings),
      consumeWeights: true,
      binding: this.binding,
      ...this.abort(),
    });
    await using running = encoder;
    const parts = { items: set.items, ...this.repeating() };
    say('Decoding and resizing');
    const prepared = await measurePreparation(parts);
    await this.prepareEncoder(running, set, prepared.pixels);
    const steps = await this.sweep(running, set, prepared.pixels);
    const best = bestOf(steps);
    const gpu = await this.findGpu(running);
    const encoded = await this.encode(running, set, prepared.pixels, best.plan, gpu);
    say('Writing');
    const recipe = recipeOf(settings, fingerprint);
    const store = { recipe: () => recipe, binding: this.binding, patchStatistics };
    const write = await measureWriting(parts, encoded.moments, running.info, store);
    const lent = {
      encoder: running,
      fingerprint,
      ...(patchStatistics === undefined ? {} : { patchStatistics }),
    };
    const builds = await this.buildAll(lent, best.batch);
    const resident = process.resourceUsage().maxRSS * 1024;
    await running.dispose();
    say('Comparing with float32');
    const checked = set.items
      .slice(0, bench.quick ? 1 : PARITY_IMAGES)
      .map(({ variants: [{ geometry }] }, index) => ({
        batch: { images: [prepared.pixels[index]!], ...geometry.bucket },
        mean: encoded.moments[index]!.mean,
      }));
    const { threads, signal } = this.options;
    const parity = await checkParity({
      info: running.info,
      vae,
      model: bench.preset.model,
      architecture,
      checked,
      threads,
      signal,
    });
    return assembleReport({
      bench,
      load: this.load,
      encoder: running,
      reason,
      fingerprint,
      architecture,
      settings,
      input,
      buckets: set.buckets,
      steps,
      best,
      samples: {
        decode: prepared.decode,
        resize: prepared.resize,
        encode: encoded.samples,
        write,
        endToEnd: builds,
      },
      watched: encoded.watched,
      joule: encoded.joule,
      driver: gpu?.driver ?? null,
      resident,
      parity,
    });
  }

  private buildOptions(): BuildOptions {
    const { preset } = this.bench;
    const { signal: _signal, binding: _binding, ...encoder } = pickEncoderOptions(this.options);
    return {
      ...encoder,
      inputs: [this.photos],
      model: preset.model,
      format: formatFor(preset.model),
      resolution: preset.resolution,
      enableBucket: preset.enableBucket,
      outDir: path.join(this.folder, 'caches'),
      // they go into a folder that is removed
      allowSimulated: true,
    };
  }

  private async drawWeights(): Promise<string> {
    this.say('Drawing weights');
    const file = path.join(this.folder, 'vae.safetensors');
    const { vae } = MODELS[this.bench.preset.model];
    await writeSeededVae(file, { seed: WEIGHTS_SEED, vae });
    return file;
  }

  private async survey(target: Target): Promise<WorkSet> {
    await using dataset = await Dataset.open([sourceOf(target)], true, this.binding, () => {});
    const context = { signal: this.signal, onProgress: () => {} };
    const { work } = await surveyDataset(dataset, [target], () => undefined, context);
    const items = [...work];
    const numbers = new Map<string, number[]>();
    for (const [number, { variants }] of items.entries()) {
      const name = sizeName(variants[0].geometry.bucket);
      const same = numbers.get(name);
      if (same === undefined) numbers.set(name, [number]);
      else same.push(number);
    }
    return { items, buckets: countSizes(work), numbers };
  }

  private async prepareEncoder(
    encoder: Encoder,
    { items, buckets }: WorkSet,
    pixels: readonly Uint8Array[],
  ): Promise<void> {
    const samples = async () =>
      items.map(({ variants }, index) => ({ pixels: pixels[index]!, ...variants[0].geometry.bucket }));
    await encoder.prepare?.(buckets, {
      samples,
      onProgress: ({ phase, index, total }) => this.say(`Building engine ${index} of ${total}: ${phase}`),
      ...this.abort(),
    });
  }

  private sweep(
    encoder: Encoder,
    { buckets, numbers }: WorkSet,
    pixels: readonly Uint8Array[],
  ): Promise<readonly SweepResult[]> {
    const { batch: fixed, quick } = this.bench;
    const onStep = (batch: number) => this.say(`Sweep: ${batch} at once`);
    return sweepBatches({ encoder, buckets, numbers, pixels, fixed, quick, signal: this.signal, onStep });
  }

  /** The GPU that encodes, through NVML; null where none does, or nothing can be known of it. */
  private async findGpu({ info }: Encoder): Promise<Gpu | null> {
    if (info.backend !== 'tensorrt') return null;
    const { device = 0, libraryDir = [] } = this.options;
    const cards = await listDevices({ libraryFolders: libraryDir, binding: this.binding });
    const card = cards.find(({ index }) => index === device);
    if (card === undefined) return null;
    const { libraryFolders } = findLibraryFolders({ folders: libraryDir });
    const read = () => readNvml(this.binding, libraryFolders, card.pciBusId);
    const first = await read();
    if (first === null) return null;
    return { driver: first.status.driverVersion, read: async () => (await read())?.device ?? null };
  }

  private async encode(
    encoder: Encoder,
    { items, numbers }: WorkSet,
    pixels: readonly Uint8Array[],
    plan: readonly PlannedBatch[],
    gpu: Gpu | null,
  ): Promise<Encoded> {
    const { repetitions, seconds: least } = this.bench;
    const batches = cutBatches(numbers, plan);
    const pass = () => encodePass({ encoder, pixels, signal: this.signal }, batches);
    this.say('Encoding: warm-up');
    // what larger batches of the sweep have taken
    await encoder.memory?.release(null);
    const moments = momentsOf(batches, await pass());
    const watch = new GpuWatch(encoder.memory, gpu?.read ?? (async () => null));
    const before = (await gpu?.read())?.energyMillijoules ?? null;
    watch.start();
    const samples: number[] = [];
    let watched: Watched;
    try {
      for (let total = 0; samples.length < repetitions || total < least; ) {
        this.say(`Encoding: pass ${samples.length + 1}`);
        const { seconds } = await pass();
        samples.push(seconds / items.length);
        total += seconds;
      }
    } finally {
      watched = await watch.stop();
    }
    const after = (await gpu?.read())?.energyMillijoules ?? null;
    const joule =
      before === null || after === null ? null : (after - before) / 1000 / (samples.length * items.length);
    return { samples, moments, watched, joule };
  }

  /** Whole builds with the encoder that is open already; seconds an image of each. */
  private async buildAll(encoder: LentEncoder, batch: number): Promise<readonly number[]> {
    const samples: number[] = [];
    const options = { ...this.buildOptions(), vaeBatchSize: batch, binding: this.binding };
    for (let round = 0; round < this.bench.repetitions; round++) {
      throwIfAborted(this.signal, 'measuring');
      this.say(`End to end: run ${round + 1} of ${this.bench.repetitions}`);
      await rm(options.outDir!, { recursive: true, force: true });
      let summary: SummaryEvent | undefined;
      const { seconds } = await secondsOf(async () => {
        for await (const event of buildCache({
          ...options,
          encoder,
          ...this.abort(),
        })) {
          if (event.type === 'summary') summary = event;
        }
      });
      throwIfAborted(this.signal, 'measuring');
      checkSummary(summary, this.bench.images);
      samples.push(seconds / this.bench.images);
    }
    return samples;
  }

  private repeating(): {
    readonly binding: NativeBinding;
    readonly repetitions: number;
    readonly signal: AbortSignal | undefined;
  } {
    return { binding: this.binding, repetitions: this.bench.repetitions, signal: this.signal };
  }

  private abort(): { readonly signal?: AbortSignal } {
    return this.signal === undefined ? {} : { signal: this.signal };
  }
}

function pickEncoderOptions({
  preset: _preset,
  size: _size,
  model: _model,
  images: _images,
  vae: _vae,
  batch: _batch,
  repetitions: _repetitions,
  seconds: _seconds,
  quick: _quick,
  peakTflops: _peak,
  onProgress: _onProgress,
  ...encoder
}: BenchOptions): Omit<Partial<BuildOptions>, 'inputs' | 'model'> {
  return encoder;
}

/** Of the trainer that most use; models that it does not have go into the format of our own. */
function formatFor(model: ModelId): FormatId {
  return SD_SCRIPTS_MODELS[model] === undefined ? 'safetensors' : 'sd-scripts';
}

/** Of each image, out of those of batches. */
function momentsOf(batches: readonly Batch[], { moments }: Pass): Pick<Moments, 'mean' | 'logvar'>[] {
  const each: Pick<Moments, 'mean' | 'logvar'>[] = [];
  for (const [number, { images }] of batches.entries()) {
    const { mean, logvar } = moments[number]!;
    const length = mean.length / images.length;
    for (const [index, image] of images.entries()) {
      const [start, end] = [index * length, (index + 1) * length];
      each[image] = { mean: mean.subarray(start, end), logvar: logvar.subarray(start, end) };
    }
  }
  return each;
}

/** A build that left something out is no measurement. */
function checkSummary(summary: SummaryEvent | undefined, images: number): void {
  if (summary?.encoded === images) return;
  const failure = summary?.failures[0] ?? summary?.stoppedBy;
  throw new LatentCacheError(
    failure?.code ?? 'ERR_ENCODER',
    `A run of the benchmark encoded ${summary?.encoded ?? 0} of ${images} images${failure === undefined || failure === null ? '' : `: ${failure.message}`}`,
    { remedy: failure?.remedy },
  );
}

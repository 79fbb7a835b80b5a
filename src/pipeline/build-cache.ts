import { syncFolder } from '../cache/atomic-file.js';
import type { RecipeRecord } from '../cache/provenance.js';
import type { LatentCacheError } from '../errors.js';
import { EncoderSet } from '../memory/encoder-set.js';
import { Governor, type MemoryReport } from '../memory/governor.js';
import { encoderOperations } from '../model/operations.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import { Channel } from './channel.js';
import { Dataset } from './dataset.js';
import { EncodeLoop } from './encode-loop.js';
import { type BuildEvent, batchesEvent, describeError, modelWarning, type SummaryEvent } from './events.js';
import { Failures } from './failures.js';
import { MeasuredRates } from './measured-rates.js';
import { NoticeCollector } from './notices.js';
import type { BuildOptions, RunSettings, Target } from './options.js';
import { type EncoderSource, prepareEncoder } from './prepare-encoder.js';
import { countSizes, prepareEngines } from './prepare-engines.js';
import { planEvent } from './progress-meter.js';
import { recipeOf } from './recipe.js';
import { resolveOptions } from './resolve-options.js';
import { sourceOf } from './source-of.js';
import { type Survey, surveyDataset } from './survey.js';
import { withDtypeOfVae } from './vae-dtype.js';

const EVENTS_WAITING = 256;

/**
 * Makes latent caches of image folders. Iterate to the end: the last event is the summary. Leaving the loop early, or
 * aborting the signal, finishes and writes what the encoder has begun and starts nothing else.
 *
 * A bad image is a `failed` event and never ends the run. The iteration throws only when nothing can run at all.
 *
 * @throws LatentCacheError `ERR_OPTION`, `ERR_NO_INPUT`, `ERR_MODEL_*`, `ERR_NON_FINITE` (NaN among the weights),
 * `ERR_BACKEND_MISSING`, `ERR_ADDON_MISSING`, `ERR_ENCODER` and `ERR_OUT_OF_MEMORY` (the encoder does not start),
 * `ERR_CUDA_*`, `ERR_NO_DEVICE`, `ERR_TENSORRT_*`, `ERR_DEVICE_*` and `ERR_ENGINE_BUILD` (nor does the GPU's),
 * `ERR_OUTPUT_NOT_WRITABLE`, or `ERR_ABORTED` when the signal came before any encoding
 */
export async function* buildCache(options: BuildOptions): AsyncGenerator<BuildEvent, void, void> {
  const { targets, notices } = await resolveOptions(options);
  const channel = new Channel<BuildEvent>(EVENTS_WAITING);
  const stop = new AbortController();
  const run = new BuildRun(options, targets, channel, stop);
  for (const notice of notices) channel.push(notice);
  const onAbort = () => stop.abort();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  const finished = run.run().then(
    () => channel.end(),
    (error: unknown) => channel.fail(error),
  );
  try {
    yield* channel;
  } finally {
    stop.abort();
    await finished;
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** Passes on a call every tenth of a second, and the last one. */
function everyNow(report: (seen: number, total: number) => void): (seen: number, total: number) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (seen, total) => {
    const now = performance.now();
    if (seen < total && now - last < 100) return;
    last = now;
    report(seen, total);
  };
}

/** One run, from the survey to the summary. */
class BuildRun {
  private readonly started = performance.now();
  private readonly failures: Failures;
  private readonly notices = new NoticeCollector();
  private loop: EncodeLoop | undefined;
  private memory: MemoryReport | null = null;
  private stoppedBy: LatentCacheError | undefined;
  private readonly binding: NativeBinding;
  /** What holds for all targets. */
  private readonly settings: RunSettings;

  constructor(
    private readonly options: BuildOptions,
    private targets: readonly [Target, ...Target[]],
    private readonly events: Channel<BuildEvent>,
    private readonly stop: AbortController,
  ) {
    this.binding = options.binding ?? loadBinding();
    [this.settings] = targets;
    this.failures = new Failures(
      (failure) => events.push(failure),
      (reason) => this.giveUp(reason),
    );
  }

  async run(): Promise<void> {
    const { settings, events } = this;
    const source = await prepareEncoder(this.options, settings, this.stop.signal);
    this.targets = withDtypeOfVae(this.targets, this.options, source.dtypes);
    for (const message of source.warnings) events.push(modelWarning(message, this.options.vae ?? ''));
    const survey = await this.work(source);
    // Last, after what closing the manifests may have told.
    events.push(this.summary(survey));
  }

  private async work(source: EncoderSource): Promise<Survey> {
    const { settings, targets, events, binding } = this;
    await using dataset = await Dataset.open(targets.map(sourceOf), settings.leaveFiles, binding, (notice) =>
      events.push(notice),
    );
    const recipe = (target: Target) =>
      settings.skipExisting ? undefined : recipeOf(target, source.fingerprint);
    const survey = await surveyDataset(dataset, targets, recipe, {
      signal: this.stop.signal,
      onProgress: everyNow((seen, total) => events.push({ type: 'survey', seen, total })),
    });
    for (const notice of survey.notices) events.push(notice);
    for (const failure of survey.failures) this.failures.addImage(failure);
    this.failures.caches = survey.failedCaches;
    events.push(planEvent(survey));

    if (survey.work.length > 0 && !settings.dryRun) await this.encodeAll(dataset, survey, source);
    return survey;
  }

  private async encodeAll(dataset: Dataset, survey: Survey, source: EncoderSource): Promise<void> {
    const { settings, binding, events, failures, notices, stop } = this;
    const { vaeBatchSize: batch, residency, oomFallback } = settings;
    const encoders = await EncoderSet.start(source);
    const governor = new Governor(encoders, {
      batch,
      residency,
      oomFallback,
      onEvent: (event) => events.push(event),
    });
    try {
      events.push({ type: 'encoder', ...source.choice! });
      const plan = await prepareEngines(
        governor,
        survey.work,
        binding,
        ({ size, ...progress }) => events.push({ type: 'engine', bucket: size, ...progress }),
        stop.signal,
      );
      if (plan !== null) events.push(batchesEvent(plan));
      this.loop = new EncodeLoop({
        governor,
        settings,
        binding,
        store: {
          recipe: recipeFor(this.targets, source.fingerprint),
          binding,
          patchStatistics: source.patchStatistics,
        },
        inTheWay: survey.inTheWay,
        manifest: dataset.manifest,
        events,
        failures,
        notices,
        stop: stop.signal,
      });
      const began = performance.now();
      await this.loop.run(survey.work);
      await this.noteRate(source, survey, (performance.now() - began) / 1000);
    } finally {
      await governor[Symbol.asyncDispose]();
      this.memory = governor.report();
      for (const notice of notices.events()) events.push(notice);
      await Promise.all(survey.folders.map(syncFolder));
    }
  }

  /** For plans of later runs. */
  private async noteRate({ choice, layers }: EncoderSource, survey: Survey, seconds: number): Promise<void> {
    const { settings, loop, binding } = this;
    const isWhole = loop?.encoded === survey.work.length;
    if (layers === null || choice === undefined || settings.simulated || !isWhole) return;
    const operations = countSizes(survey.work).reduce(
      (sum, size) => sum + size.images * encoderOperations(layers, size),
      0,
    );
    await new MeasuredRates().note(choice, { operations, images: loop.encoded, seconds }, binding);
  }

  private giveUp(reason: LatentCacheError): void {
    this.stoppedBy ??= reason;
    this.stop.abort();
  }

  private summary(survey: Survey): SummaryEvent {
    const { encoded = 0, decoded = 0, bytesWritten = 0 } = this.loop ?? {};
    const { list, caches: failed } = this.failures;
    const failedLater = failed - survey.failedCaches;
    const remaining = this.settings.dryRun ? 0 : survey.work.length - encoded - failedLater;
    return {
      type: 'summary',
      total: survey.total,
      encoded,
      skipped: survey.skipped,
      failed,
      decoded,
      remaining,
      aborted: remaining > 0,
      stoppedBy:
        this.stoppedBy === undefined ? null : this.describeStop(this.stoppedBy, remaining + failedLater),
      seconds: (performance.now() - this.started) / 1000,
      bytesWritten,
      failures: list.map(({ type: _type, ...failure }) => failure),
      memory: this.memory,
      dryRun: this.settings.dryRun,
    };
  }

  /** On a full disk with what the images that are not done will take, by those that are. */
  private describeStop(reason: LatentCacheError, images: number): ReturnType<typeof describeError> {
    const described = describeError(reason);
    const { encoded = 0, bytesWritten = 0 } = this.loop ?? {};
    if (reason.code !== 'ERR_DISK_FULL' || encoded === 0) return described;
    const bytes = Math.ceil((bytesWritten / encoded) * images);
    return {
      ...described,
      remedy: `The ${images} images that are left take about ${bytes} bytes. ${described.remedy}`,
    };
  }
}

/** Made once for each target, not for each image. */
function recipeFor(targets: readonly Target[], fingerprint: string): (target: Target) => RecipeRecord {
  const recipes = new Map(targets.map((target) => [target, recipeOf(target, fingerprint)]));
  return (target) => recipes.get(target)!;
}

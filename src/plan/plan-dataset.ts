/** What a build would do, without doing it: buckets, batches, memory, disk, time, hazards. */

import type { Size } from '../dataset/bucket.js';
import { sameSize, sizeName } from '../dataset/size.js';
import { SIMULATED_CARDS } from '../encoder/sim/profiles.js';
import { EncoderSet } from '../memory/encoder-set.js';
import type { MemoryEvent } from '../memory/events.js';
import { Governor, type MemoryPlan } from '../memory/governor.js';
import type { Layer } from '../model/layers.js';
import { loadVae } from '../model/load-vae.js';
import { encoderOperations } from '../model/operations.js';
import { loadBinding } from '../native/load.js';
import { Dataset } from '../pipeline/dataset.js';
import { type FailedEvent, modelWarning, type NoticeEvent } from '../pipeline/events.js';
import { MeasuredRates } from '../pipeline/measured-rates.js';
import type { BuildOptions, RunSettings, Target } from '../pipeline/options.js';
import { countSizes } from '../pipeline/prepare-engines.js';
import { planEvent } from '../pipeline/progress-meter.js';
import { noVae, recipeOf, recordedFingerprint } from '../pipeline/recipe.js';
import { resolveOptions } from '../pipeline/resolve-options.js';
import { sourceOf } from '../pipeline/source-of.js';
import { type Survey, surveyDataset } from '../pipeline/survey.js';
import { withDtypeOfVae } from '../pipeline/vae-dtype.js';
import { openPlanDevice, type PlanDevice, type PlanTarget } from './plan-device.js';

export interface DatasetPlanOptions extends Omit<BuildOptions, 'encoder' | 'dryRun'> {
  /** Another card than this machine's. */
  readonly target?: PlanTarget;
  readonly onProgress?: (seen: number, total: number) => void;
}

export interface PlannedBucket extends Size {
  /** Images still to be encoded. */
  readonly images: number;
  /** Images a run; 0 when not even one fits, null when the backend does not tell. */
  readonly batch: number | null;
  /** Bytes that such a run takes, weights included. */
  readonly bytes: number | null;
}

export interface PlannedTime {
  /** Of encoding with all that goes with it; null when there is nothing to go by. */
  readonly seconds: number | null;
  /** `measured`: by an earlier run on this machine. `estimated`: by published rates. */
  readonly basis: 'measured' | 'estimated' | 'unknown';
  /** In words: which run, whose rate. */
  readonly source: string;
}

export interface DatasetPlan {
  readonly total: number;
  readonly toEncode: number;
  /** Complete caches. */
  readonly skipped: number;
  readonly buckets: readonly PlannedBucket[];
  readonly device: {
    readonly name: string;
    readonly backend: string;
    readonly precision: string;
    /** Bytes that weights and runs may take, of those free and all; null when the backend does not tell. */
    readonly budget: number | null;
    readonly free: number | null;
    readonly total: number | null;
    /** `exact`: what the backend itself says. `estimated`: by the layers, not by an engine of TensorRT's. */
    readonly memoryBasis: PlanDevice['memoryBasis'];
  } | null;
  /** Bytes of the new files, before compression of masks. */
  readonly outputBytes: number;
  readonly time: PlannedTime;
  /** What the memory will not hold, in sentences with numbers. */
  readonly memoryWarnings: readonly string[];
  /** What is remarkable about the images and the files beside them. */
  readonly hazards: readonly Omit<NoticeEvent, 'type'>[];
  /** Images that cannot be used. */
  readonly failures: readonly Omit<FailedEvent, 'type'>[];
}

/**
 * Touches nothing and encodes nothing; engines are not built for it.
 *
 * @throws LatentCacheError as `buildCache` before its first image
 */
export async function planDataset(options: DatasetPlanOptions): Promise<DatasetPlan> {
  const { target, onProgress = () => {}, ...rest } = options;
  const { targets: asked, notices } = await resolveOptions({ ...rest, dryRun: true });
  const [settings] = asked;
  if (options.vae === undefined) throw noVae();
  const weights = await loadVae(options.vae, {
    model: settings.model.id,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const targets = withDtypeOfVae(asked, rest, weights.sourceDtypes);
  const recipe = (target: Target) =>
    target.skipExisting ? undefined : recipeOf(target, recordedFingerprint(weights));
  const hazards: NoticeEvent[] = [
    ...notices,
    ...weights.warnings.map((each) => modelWarning(each, options.vae!)),
  ];
  await using dataset = await Dataset.open(
    targets.map(sourceOf),
    true,
    options.binding ?? loadBinding(),
    (notice) => hazards.push(notice),
  );
  const survey = await surveyDataset(dataset, targets, recipe, { signal: options.signal, onProgress });
  const { total, toEncode, skipped, buckets, outputBytes } = planEvent(survey);
  const found = { total, toEncode, skipped, outputBytes, ...hazardsOf(survey, hazards) };
  if (toEncode === 0) {
    const time = { seconds: 0, basis: 'measured', source: 'there is nothing to encode' } as const;
    return { ...found, buckets: [], device: null, time, memoryWarnings: [] };
  }
  const { layers } = weights;
  const device = await openPlanDevice(weights, settings, target);
  const { plan, memoryWarnings } = await planMemory(device, survey, settings);
  const { precision } = device.encoder.info;
  return {
    ...found,
    buckets: buckets.map(({ width, height, images }) => {
      const planned = plan?.planned.find((each) => sameSize(each, { width, height }));
      return { width, height, images, batch: planned?.batch ?? null, bytes: planned?.bytes ?? null };
    }),
    device: {
      name: device.name,
      backend: device.backend,
      precision,
      budget: plan?.budget ?? null,
      free: plan?.device.free ?? null,
      total: plan?.device.total ?? null,
      memoryBasis: device.memoryBasis,
    },
    time: await planTime(device, layers, survey),
    memoryWarnings,
  };
}

async function planMemory(
  { encoder }: PlanDevice,
  survey: Survey,
  settings: RunSettings,
): Promise<{ plan: MemoryPlan | null; memoryWarnings: string[] }> {
  const memoryWarnings: string[] = [];
  const encoders = await EncoderSet.start({ start: async () => encoder, startStandIn: () => null });
  await using governor = new Governor(encoders, {
    batch: settings.vaeBatchSize,
    residency: settings.residency,
    oomFallback: settings.oomFallback,
    onEvent: ({ message }: MemoryEvent) => memoryWarnings.push(message),
  });
  const plan = await governor.prepare(countSizes(survey.work));
  for (const refused of plan?.refused ?? []) {
    memoryWarnings.push(`${sizeName(refused)}: ${refused.reason.message}`);
  }
  return { plan, memoryWarnings };
}

async function planTime(
  { encoder, card, name, backend }: PlanDevice,
  layers: readonly Layer[],
  survey: Survey,
): Promise<PlannedTime> {
  const operations = countSizes(survey.work).reduce(
    (sum, size) => sum + size.images * encoderOperations(layers, size),
    0,
  );
  const { precision } = encoder.info;
  const rate = await new MeasuredRates().find({ backend, device: name, precision });
  if (rate !== undefined) {
    return {
      seconds: operations / rate.operationsPerSecond,
      basis: 'measured',
      source: `a run of ${rate.images} images on ${rate.date.slice(0, 10)}`,
    };
  }
  if (card === null) {
    return {
      seconds: null,
      basis: 'unknown',
      source: 'no run of this kind was measured on this machine yet',
    };
  }
  const { tflops, share } = SIMULATED_CARDS[card];
  const isHalf = precision === 'fp16' || precision === 'bf16';
  const reached = tflops * share * (isHalf ? 1 : 0.5) * 1e12;
  return {
    seconds: operations / reached,
    basis: 'estimated',
    source: `published rates of ${SIMULATED_CARDS[card].title}: ${Math.round(share * 100)} % of ${tflops} TFLOP/s; not measured`,
  };
}

function hazardsOf(
  { notices, failures }: Survey,
  early: readonly NoticeEvent[],
): Pick<DatasetPlan, 'hazards' | 'failures'> {
  return {
    hazards: [...early, ...notices].map(({ type: _type, ...notice }) => notice),
    failures: failures.map(({ type: _type, ...failure }) => failure),
  };
}

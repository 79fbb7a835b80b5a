/** From what was measured to the report. */
import { isSimulated } from '../cache/provenance.js';
import type { Encoder, PlannedSize } from '../encoder/encoder.js';
import type { VaeArchitecture } from '../model/architecture.js';
import type { Target } from '../pipeline/options.js';
import { computeBound } from './compute-bound.js';
import { gpuFacts } from './gpu-facts.js';
import type { Watched } from './gpu-watch.js';
import { hostFacts, versions } from './host-facts.js';
import type { InputSet } from './input-set.js';
import { oneLine } from './one-line.js';
import type { BenchSettings } from './options.js';
import {
  type BenchReport,
  type Evidence,
  evidenceOf,
  type Figure,
  REPORT_SCHEMA,
  type Stage,
} from './report.js';
import { distribution } from './statistics.js';
import type { SweepResult } from './sweep.js';
import { warningsOf } from './warnings.js';

/** What a benchmark found; times in seconds an image. */
export interface Findings {
  readonly bench: BenchSettings;
  /** Programs that waited for a processor when it began. */
  readonly load: number;
  readonly encoder: Encoder;
  readonly reason: string;
  readonly fingerprint: string;
  readonly architecture: VaeArchitecture;
  readonly settings: Target;
  readonly input: InputSet;
  readonly buckets: readonly PlannedSize[];
  readonly steps: readonly SweepResult[];
  readonly best: SweepResult;
  readonly samples: Readonly<Record<Stage, readonly number[]>>;
  readonly watched: Watched;
  /** Joule an image while encoding. */
  readonly joule: number | null;
  /** Version of the GPU's. */
  readonly driver: string | null;
  readonly resident: number;
  readonly parity: BenchReport['parity'];
}

export function assembleReport(facts: Findings): BenchReport {
  const { bench, encoder, settings, input, buckets, best, samples } = facts;
  const { info, memory } = encoder;
  const simulated = isSimulated(info.backend);
  const ran: Evidence = simulated ? 'simulated' : 'measured';
  const planned = evidenceOf('derived', ran);
  const bytes = (value: number | null, evidence: Evidence): Figure | null =>
    value === null ? null : { value, unit: 'B', evidence };
  const seconds = (values: readonly number[], evidence: Evidence) =>
    distribution(values, 's/image', evidence);
  const stages = {
    decode: seconds(samples.decode, 'measured'),
    resize: seconds(samples.resize, 'measured'),
    encode: seconds(samples.encode, ran),
    write: seconds(samples.write, 'measured'),
    endToEnd: seconds(samples.endToEnd, ran),
  };
  const rate = ({ median, evidence }: { median: number; evidence: Evidence }): Figure => ({
    value: 1 / median,
    unit: 'images/s',
    evidence,
  });
  const imagesPerSecond = { encode: rate(stages.encode), endToEnd: rate(stages.endToEnd) };
  const largest = best.plan.map((one) => one.bytes).filter((value) => value !== null);
  const content: Omit<BenchReport, 'warnings'> = {
    schema: REPORT_SCHEMA,
    tool: 'latent-cache bench',
    date: new Date().toISOString(),
    simulated,
    versions: versions(info.runtime, facts.driver),
    host: hostFacts(),
    work: {
      preset: bench.preset.name,
      model: bench.preset.model,
      weights: facts.fingerprint,
      images: bench.images,
      pixels: input.pixels,
      buckets: buckets.map(({ width, height, images }) => ({ width, height, images })),
      precision: info.precision,
      batchPolicy: bench.batch === undefined ? 'best' : 'fixed',
      flip: settings.flipAug,
      posterior: settings.posterior,
      format: settings.trainer.format,
      dtype: settings.dtype,
      simulation: simulated ? (process.env.LATENT_CACHE_SIM ?? '') : null,
    },
    method: {
      quick: bench.quick,
      warmUps: 1,
      repetitions: bench.repetitions,
      seconds: bench.seconds,
      pageCache: 'warm',
      source: { format: 'jpeg', files: input.files, bytes: input.bytes, megapixels: input.megapixels },
    },
    encoder: { backend: info.backend, device: info.device, reason: oneLine(facts.reason) },
    gpu: facts.watched.samples.length === 0 ? null : gpuFacts(facts.watched.samples),
    sweep: facts.steps.map((step) => ({
      batch: step.batch,
      buckets: step.plan.map(({ width, height, batch, bytes: needed }) => ({
        width,
        height,
        batch,
        planned: bytes(needed, planned),
      })),
      secondsPerImage: seconds(step.samples, ran),
    })),
    batch: best.batch,
    stages,
    imagesPerSecond,
    endToEndShare: {
      value: stages.encode.median / stages.endToEnd.median,
      unit: '',
      evidence: ran,
    },
    bound: computeBound({
      info,
      architecture: facts.architecture,
      buckets: buckets,
      peakTflops: bench.peakTflops,
      encode: imagesPerSecond.encode,
    }),
    memory: {
      kind: memory?.kind ?? null,
      budget: bytes(memory?.budget ?? null, planned),
      planned: bytes(largest.length === 0 ? null : Math.max(...largest), planned),
      held: bytes(facts.watched.heldPeak, ran),
      deviceWide: bytes(facts.watched.usedPeak, ran),
      resident: { value: facts.resident, unit: 'B', evidence: 'measured' },
    },
    energy: facts.joule === null ? null : { value: facts.joule, unit: 'J/image', evidence: ran },
    parity: { ...facts.parity, message: oneLine(facts.parity.message) },
  };
  return { ...content, warnings: warningsOf({ ...content, load: facts.load }) };
}

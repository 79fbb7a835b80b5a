/** What a benchmark says: docs/bench-report.schema.json in types. */
import type { ModelId } from '../model/catalog.js';

/** Of the form of reports; another one is another number. */
export const REPORT_SCHEMA = 1;

/**
 * Where a figure comes from. `derived`: computed from published rates, or planned before the run. Whatever a simulated
 * figure enters is `simulated`, so that nothing that was computed from a simulation looks like a measurement.
 */
export const EVIDENCE = ['measured', 'simulated', 'derived'] as const;
export type Evidence = (typeof EVIDENCE)[number];

export interface Figure {
  readonly value: number;
  readonly unit: string;
  readonly evidence: Evidence;
}

/** Repeated measurements of one thing. */
export interface Distribution {
  readonly unit: string;
  readonly evidence: Evidence;
  /** In the order in which they were taken. */
  readonly samples: readonly number[];
  readonly median: number;
  /** By nearest rank: the smallest sample that 95 % do not exceed. */
  readonly p95: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Standard deviation over mean; 0 with one sample. */
  readonly spread: number;
}

export const STAGES = ['decode', 'resize', 'encode', 'write', 'endToEnd'] as const;
export type Stage = (typeof STAGES)[number];

export interface BenchReport {
  readonly schema: typeof REPORT_SCHEMA;
  readonly tool: 'latent-cache bench';
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Whether the encoder only pretended. */
  readonly simulated: boolean;
  readonly versions: Versions;
  readonly host: HostFacts;
  readonly work: Work;
  readonly method: Method;
  readonly encoder: EncoderFacts;
  /** As NVML tells; null without it, and where no GPU encodes. */
  readonly gpu: GpuFacts | null;
  readonly sweep: readonly SweepStep[];
  /** The batch that won: images asked for at once. */
  readonly batch: number;
  /** Seconds an image. Decode, resize and write are of one image alone on one thread; encode with as many calls in flight as
   * the encoder takes; end to end of whole runs with everything at once. */
  readonly stages: Readonly<Record<Stage, Distribution>>;
  readonly imagesPerSecond: { readonly encode: Figure; readonly endToEnd: Figure };
  /** Of the encoder's speed that is left end to end: 1 is all. */
  readonly endToEndShare: Figure;
  readonly bound: ComputeBound | null;
  readonly memory: MemoryFacts;
  /** Joule an image while encoding; null where the device does not count it. */
  readonly energy: Figure | null;
  readonly parity: Parity;
  readonly warnings: readonly BenchWarning[];
}

export interface Versions {
  readonly latentCache: string;
  readonly node: string;
  readonly sharp: string;
  readonly libvips: string;
  /** Of the encoder's library: 'TensorRT 10.14.1, CUDA runtime 13.0'. */
  readonly encoder: string;
  readonly driver: string | null;
}

export interface HostFacts {
  readonly cpu: string;
  /** That affinity and cgroup allow. */
  readonly processors: number;
  readonly memoryBytes: number;
  readonly system: string;
}

/** What was to be done. Reports are comparable only when all of it is equal. */
export interface Work {
  /** 'custom' for sizes of one's own. */
  readonly preset: string;
  readonly model: ModelId;
  /** SHA-256 of the encoder's tensors. */
  readonly weights: string;
  readonly images: number;
  /** SHA-256 of the pixels that were drawn. */
  readonly pixels: string;
  readonly buckets: readonly { readonly width: number; readonly height: number; readonly images: number }[];
  readonly precision: string;
  /** 'best': the sweep's, within the memory budget. 'fixed': --batch. */
  readonly batchPolicy: 'best' | 'fixed';
  readonly flip: boolean;
  readonly posterior: string;
  readonly format: string;
  readonly dtype: string;
  /** LATENT_CACHE_SIM of a simulated card; null for any other. */
  readonly simulation: string | null;
}

export interface Method {
  readonly quick: boolean;
  readonly warmUps: number;
  readonly repetitions: number;
  /** That encoding went on for at least. */
  readonly seconds: number;
  /** 'warm': the files were written just before. */
  readonly pageCache: 'warm';
  readonly source: {
    readonly format: 'jpeg';
    /** SHA-256 of all files: differs where sharp's encoder does, with nearly the same work to decode. */
    readonly files: string;
    readonly bytes: number;
    readonly megapixels: number;
  };
}

export interface EncoderFacts {
  readonly backend: string;
  readonly device: string;
  readonly reason: string;
}

export interface SweepStep {
  /** Images asked for at once. */
  readonly batch: number;
  /** What each bucket takes of them, by memory and by its number of images, and the bytes of such a run. */
  readonly buckets: readonly {
    readonly width: number;
    readonly height: number;
    readonly batch: number;
    readonly planned: Figure | null;
  }[];
  /** Seconds an image, one sample a pass. */
  readonly secondsPerImage: Distribution;
}

export interface ComputeBound {
  /** Of the encoder's arithmetic on one image, a multiply-add counted as 2, over all buckets. */
  readonly operations: Figure;
  /** Operations a second that the device can do at most in this precision. */
  readonly peak: Figure;
  /** Where that is from. */
  readonly source: string;
  readonly imagesPerSecond: Figure;
  /** Of the bound that encoding alone reached: 1 is all. */
  readonly share: Figure;
}

export interface MemoryFacts {
  /** Whose memory the encoder takes; null when it does not tell. */
  readonly kind: 'device' | 'host' | null;
  /** Bytes. */
  readonly budget: Figure | null;
  /** The largest planned run, weights included. */
  readonly planned: Figure | null;
  /** Held by the encoder at most. */
  readonly held: Figure | null;
  /** Used of the whole device at most, other programs included, by samples. */
  readonly deviceWide: Figure | null;
  /** Resident memory of the process at most. */
  readonly resident: Figure;
}

/** All `measured`, by NVML. */
export interface GpuFacts {
  readonly evidence: 'measured';
  readonly name: string;
  /** SHA-256 of the UUID: tells two cards apart and names none. */
  readonly uuidHash: string | null;
  readonly totalBytes: number | null;
  readonly pcieGeneration: number | null;
  readonly pcieWidth: number | null;
  readonly smClockMaxMhz: number | null;
  readonly memoryClockMaxMhz: number | null;
  readonly powerLimitWatts: number | null;
  readonly powerLimitDefaultWatts: number | null;
  readonly eccEnabled: boolean | null;
  readonly migEnabled: boolean | null;
  readonly persistenceEnabled: boolean | null;
  readonly displayActive: boolean | null;
  /** While images were encoded. */
  readonly during: {
    readonly samples: number;
    readonly smClockMhz: Range | null;
    readonly memoryClockMhz: Range | null;
    readonly powerWatts: Range | null;
    readonly temperatureCelsius: Range | null;
    /** Every reason that was seen; null when the card does not tell. */
    readonly throttleReasons: readonly string[] | null;
  };
}

export interface Range {
  readonly minimum: number;
  readonly median: number;
  readonly maximum: number;
}

export const PARITY_STATUS = ['passed', 'failed', 'not-checked', 'simulated'] as const;

/** How far the latents are from float32's. A speed without `passed` is void, and one of a simulation is none. */
export interface Parity {
  readonly status: (typeof PARITY_STATUS)[number];
  /** Why, in words. */
  readonly message: string;
  /** What the latents were compared with; null where they were not. */
  readonly difference: ParityDifference | null;
}

export interface ParityDifference {
  readonly evidence: 'measured';
  /** 'onnxruntime 1.30.0, fp32' */
  readonly reference: string;
  readonly images: number;
  /** Of the means, in their own unit. */
  readonly maximum: number;
  readonly rmse: number;
  /** rmse over the standard deviation of the reference's means, and what it may be. */
  readonly relative: number;
  readonly limit: number;
  /** Decibel, with the range of the reference as the peak; null when nothing differs. */
  readonly psnr: number | null;
  /** Values that are NaN or infinite. */
  readonly notFinite: number;
}

export const WARNING_CODES = [
  'simulated',
  'parity',
  'noisy',
  'throttled',
  'transfer-bound',
  'host-bound',
  'busy-machine',
  'quick',
] as const;

export interface BenchWarning {
  readonly code: (typeof WARNING_CODES)[number];
  readonly message: string;
}

/** Of a figure that two others enter. */
export function evidenceOf(...evidence: readonly Evidence[]): Evidence {
  if (evidence.includes('simulated')) return 'simulated';
  return evidence.includes('derived') ? 'derived' : 'measured';
}

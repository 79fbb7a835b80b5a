/** What keeps the figures of a report from being taken at face value. */
import { oneLine } from './one-line.js';
import type { BenchReport, BenchWarning, GpuFacts, Work } from './report.js';

export type WarningFacts = Omit<BenchReport, 'warnings'> & {
  /** Programs that waited for a processor when the benchmark began. */
  readonly load: number;
};

/** trtexec's limit, above which it recommends to lock the clocks. */
const NOISY = 0.025;
/** Of the encoder's own speed. */
const HOST_BOUND = 0.9;
/** Copying that takes this part of the time of encoding is what one waits for: both happen at once. */
const TRANSFER_BOUND = 0.8;
/** Reasons for lower clocks that slow a run down: not those of a card at rest, nor those that somebody has set. */
const SLOWING = [
  'power-cap',
  'hardware-slowdown',
  'software-thermal',
  'hardware-thermal',
  'power-brake',
] as const;

export function warningsOf(facts: WarningFacts): BenchWarning[] {
  const { simulated, parity, stages, gpu, work, method, endToEndShare, load, host } = facts;
  const warnings: BenchWarning[] = [];
  const warn = (code: BenchWarning['code'], message: string) =>
    warnings.push({ code, message: oneLine(message) });
  if (simulated) {
    const settings = (work.simulation ?? '') === '' ? '' : `, with LATENT_CACHE_SIM="${work.simulation}"`;
    warn(
      'simulated',
      `The encoder is a simulation${settings}: its figures come from published rates, no card ran`,
    );
  }
  if (parity.status === 'failed' || parity.status === 'not-checked') {
    warn('parity', `The speed is void: ${parity.message}`);
  }
  if (stages.encode.spread > NOISY) {
    const spread = (100 * stages.encode.spread).toFixed(1);
    warn(
      'noisy',
      `Passes of the encoder differ by ${spread} % (standard deviation): close other programs, lock the clocks`,
    );
  }
  const slowing = slowedBy(gpu);
  if (slowing.length > 0)
    warn('throttled', `The GPU lowered its clocks while encoding: ${slowing.join(', ')}`);
  const transfer = transferShare(gpu, work, stages.encode.median);
  if (transfer !== null && transfer >= TRANSFER_BOUND) {
    const share = Math.round(100 * transfer);
    warn(
      'transfer-bound',
      `Copying over PCIe alone takes ${share} % of the time of encoding: the link is the limit`,
    );
  }
  if (endToEndShare.value < HOST_BOUND) {
    const share = Math.round(100 * endToEndShare.value);
    warn(
      'host-bound',
      `End to end has ${share} % of the encoder's speed: decoding, resizing or writing holds it up`,
    );
  }
  if (load > host.processors / 4) {
    warn('busy-machine', `Other programs were running when it began (load ${load.toFixed(1)})`);
  }
  if (method.quick) warn('quick', 'A quick run shows that it works, not how fast it is');
  return warnings;
}

function slowedBy(gpu: GpuFacts | null): readonly string[] {
  const seen = gpu?.during.throttleReasons ?? [];
  return SLOWING.filter((reason) => seen.includes(reason));
}

/** 10^9 bytes a second of one lane in each direction, by generation: 128b/130b coding of 8, 16 and 32 GT/s. */
const LANE_GIGABYTES: Readonly<Record<number, number>> = { 1: 0.25, 2: 0.5, 3: 0.985, 4: 1.969, 5: 3.938 };

/** Time of copying an image's pixels in over that of encoding it; null where the link is not known. */
function transferShare(gpu: GpuFacts | null, { buckets }: Work, secondsPerImage: number): number | null {
  const lane = LANE_GIGABYTES[gpu?.pcieGeneration ?? 0];
  const lanes = gpu?.pcieWidth ?? null;
  if (lane === undefined || lanes === null || lanes === 0) return null;
  const images = buckets.reduce((sum, bucket) => sum + bucket.images, 0);
  const bytes =
    buckets.reduce((sum, { width, height, images: count }) => sum + 3 * width * height * count, 0) / images;
  return bytes / (lane * 1e9 * lanes) / secondsPerImage;
}

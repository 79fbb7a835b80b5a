/** How fast the device could be at best, if it did nothing but the encoder's arithmetic at its full rate. */

import { isSimulated } from '../cache/provenance.js';
import type { EncoderInfo, PlannedSize } from '../encoder/encoder.js';
import { cardNamed, SIMULATED_CARDS, simulatedCardOf } from '../encoder/sim/profiles.js';
import { fullSizeOf } from '../encoder/sim/work.js';
import type { VaeArchitecture } from '../model/architecture.js';
import { encoderOperations } from '../model/operations.js';
import { layersOf } from '../model/topology.js';
import { type ComputeBound, type Evidence, evidenceOf, type Figure } from './report.js';

export interface BoundParts {
  readonly info: EncoderInfo;
  readonly architecture: VaeArchitecture;
  readonly buckets: readonly PlannedSize[];
  /** What the user knows of the device: 10^12 operations a second. */
  readonly peakTflops: number | undefined;
  readonly encode: Figure;
}

/** null for a device whose peak is not known: it is not guessed. */
export function computeBound({
  info,
  architecture,
  buckets,
  peakTflops,
  encode,
}: BoundParts): ComputeBound | null {
  const peak = peakTflops === undefined ? publishedPeak(info) : given(peakTflops);
  if (peak === null) return null;
  // which works as the full encoder would, whatever it was given
  if (isSimulated(info.backend) && !isFullSize(architecture)) return null;
  const layers = layersOf(architecture);
  const images = buckets.reduce((sum, bucket) => sum + bucket.images, 0);
  const operations =
    buckets.reduce((sum, bucket) => sum + bucket.images * encoderOperations(layers, bucket), 0) / images;
  const derived = (value: number, unit: string, evidence: Evidence = 'derived'): Figure => ({
    value,
    unit,
    evidence,
  });
  const imagesPerSecond = peak.rate / operations;
  return {
    operations: derived(operations, 'operations/image'),
    peak: derived(peak.rate, 'operations/s'),
    source: peak.source,
    imagesPerSecond: derived(imagesPerSecond, 'images/s'),
    share: derived(encode.value / imagesPerSecond, '', evidenceOf(encode.evidence, 'derived')),
  };
}

function isFullSize(architecture: VaeArchitecture): boolean {
  const shape = ({ widths, blocksPerLevel }: VaeArchitecture) => String([widths, blocksPerLevel]);
  return shape(architecture) === shape(fullSizeOf(architecture));
}

interface Peak {
  readonly rate: number;
  readonly source: string;
}

function given(peakTflops: number): Peak {
  return { rate: peakTflops * 1e12, source: 'given with --peak-tflops' };
}

/** Of fp16's rate; where float32 without TF32 is slower still, nothing is known here. */
const PART_OF_FP16: Readonly<Record<string, number>> = { fp16: 1, bf16: 1, tf32: 0.5, fp32: 0.5 };

function publishedPeak({ backend, device, precision }: EncoderInfo): Peak | null {
  const card = simulatedCardOf(backend) ?? (backend === 'tensorrt' ? cardNamed(device) : undefined);
  const part = PART_OF_FP16[precision];
  if (card === undefined || part === undefined) return null;
  if (card === 'h100' && precision === 'fp32') return null;
  const { tflops, title } = SIMULATED_CARDS[card];
  const how = part === 1 ? '' : `, ${part} of it in ${precision}`;
  return {
    rate: tflops * part * 1e12,
    source: `published rate of ${title}: ${tflops} TFLOP/s of dense fp16 with float32 sums${how}`,
  };
}

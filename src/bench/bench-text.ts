import { digits, formatValue, UNKNOWN } from './format-figure.js';
import { type BenchReport, type Distribution, type Figure, STAGES } from './report.js';

/** A report for a terminal. */
export function benchText(report: BenchReport): string {
  const { work, encoder, imagesPerSecond, endToEndShare, bound, batch, memory, energy, parity, warnings } =
    report;
  const lines = [
    `${work.preset}: ${work.images} images, ${encoder.backend} on ${encoder.device}, ${work.precision} (${encoder.reason})`,
    `Encoder alone: ${figureText(imagesPerSecond.encode)}, ${batch} at once`,
    `End to end: ${figureText(imagesPerSecond.endToEnd)}, ${figureText(endToEndShare)} of it`,
    bound === null
      ? `Compute bound: ${UNKNOWN}; --peak-tflops takes what is known of the device`
      : `Compute bound: ${figureText(bound.imagesPerSecond)}; reached ${figureText(bound.share)} (${bound.source})`,
    ...STAGES.map((stage) => `  ${stage.padEnd(9)} ${distributionText(report.stages[stage])}`),
    `Memory: planned ${figureText(memory.planned)} of ${figureText(memory.budget)}, whole device ${figureText(memory.deviceWide)}, process ${figureText(memory.resident)}`,
    `Energy: ${figureText(energy)}`,
    `Parity: ${parity.status}, ${parity.message}`,
    ...warnings.map(({ message }) => `Warning: ${message}`),
  ];
  return `${lines.join('\n')}\n`;
}

function figureText(figure: Figure | null): string {
  return figure === null ? UNKNOWN : `${formatValue(figure)} ${figure.evidence}`;
}

function distributionText({ unit, evidence, median, p95, spread, samples }: Distribution): string {
  const text = (value: number) => formatValue({ value, unit, evidence });
  const count = samples.length === 1 ? '1 sample' : `${samples.length} samples`;
  return `median ${text(median)}, p95 ${text(p95)}, spread ${digits(100 * spread)} %, ${count}, ${evidence}`;
}

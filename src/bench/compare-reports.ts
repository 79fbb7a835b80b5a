/** Two reports of equal work, side by side. */
import { LatentCacheError } from '../errors.js';
import type { BenchReport, Distribution, Figure, Work } from './report.js';

export interface CompareOptions {
  /** Compare although the precisions differ. Default false. */
  readonly allowPrecision?: boolean;
}

export interface Difference {
  readonly field: string;
  readonly a: string;
  readonly b: string;
}

export interface ComparedFigure {
  readonly label: string;
  readonly a: Figure | null;
  readonly b: Figure | null;
  /** b over a; null where one of them is not known, or is no number to divide. */
  readonly ratio: number | null;
  /** Whether the samples behind both overlap, so that the difference may be chance; null where there are none. */
  readonly overlaps: boolean | null;
}

export interface ComparedFact {
  readonly label: string;
  readonly a: string;
  readonly b: string;
}

export interface Comparison {
  readonly a: BenchReport;
  readonly b: BenchReport;
  readonly simulated: boolean;
  readonly figures: readonly { readonly title: string; readonly rows: readonly ComparedFigure[] }[];
  readonly facts: readonly ComparedFact[];
  /** What differs besides the device and does not stand in the way. */
  readonly notes: readonly string[];
}

/**
 * @throws LatentCacheError ERR_COMPARE listing every field in which the work differs, or because a speed is void. Two
 * simulations may be compared, a simulation and a measurement may not.
 */
export function compareReports(a: BenchReport, b: BenchReport, options: CompareOptions = {}): Comparison {
  const differences = findDifferences(a, b, options);
  if (differences.length > 0) {
    const list = differences
      .map(({ field, a: left, b: right }) => `\n  ${field}: ${left} / ${right}`)
      .join('');
    throw new LatentCacheError('ERR_COMPARE', `The reports are not of equal work:${list}`, {
      remedy: 'Run both with the same preset, options and VAE, with equal versions of latent-cache.',
    });
  }
  for (const { encoder, parity } of [a, b]) {
    if (parity.status === 'passed' || parity.status === 'simulated') continue;
    throw new LatentCacheError(
      'ERR_COMPARE',
      `The speed of ${encoder.device} is void: parity ${parity.status}, ${parity.message}`,
      {
        remedy: 'A speed counts only beside latents that are right: see docs/bench.md.',
      },
    );
  }
  return {
    a,
    b,
    simulated: a.simulated,
    figures: figureRows(a, b),
    facts: factRows(a, b),
    notes: notesOn(a, b),
  };
}

/** Fields in which the work is not the same; an empty list for reports that can be compared. */
export function findDifferences(
  a: BenchReport,
  b: BenchReport,
  { allowPrecision = false }: CompareOptions = {},
): Difference[] {
  const differences: Difference[] = [];
  const compare = (field: string, left: unknown, right: unknown) => {
    const [one, other] = [JSON.stringify(left), JSON.stringify(right)];
    if (one !== other) differences.push({ field, a: one, b: other });
  };
  compare('schema', a.schema, b.schema);
  compare('simulated', a.simulated, b.simulated);
  for (const field of Object.keys(WORK) as (keyof Work)[]) {
    if (field === 'precision' && allowPrecision) continue;
    compare(`work.${field}`, plain(a.work[field]), plain(b.work[field]));
  }
  compare('method.quick', a.method.quick, b.method.quick);
  return differences;
}

/** Every field, so that the compiler finds one that is forgotten. */
const WORK: Readonly<Record<keyof Work, true>> = {
  preset: true,
  model: true,
  weights: true,
  images: true,
  pixels: true,
  buckets: true,
  precision: true,
  batchPolicy: true,
  flip: true,
  posterior: true,
  format: true,
  dtype: true,
  simulation: true,
};

/** The same text for the same content, whatever the order of keys in a file. */
function plain(value: Work[keyof Work]): unknown {
  if (!Array.isArray(value)) return value;
  return value.map(({ width, height, images }) => `${width}x${height}: ${images}`);
}

function figureRows(a: BenchReport, b: BenchReport): Comparison['figures'] {
  const row = (
    label: string,
    read: (report: BenchReport) => Figure | null,
    samples?: (report: BenchReport) => Distribution,
  ) => {
    const [left, right] = [read(a), read(b)];
    const ratio = left === null || right === null || left.value === 0 ? null : right.value / left.value;
    return {
      label,
      a: left,
      b: right,
      ratio,
      overlaps: samples === undefined ? null : overlap(samples(a), samples(b)),
    };
  };
  const stage = (label: string, read: (report: BenchReport) => Distribution) => [
    row(`${label}, median`, (report) => figureOf(read(report), 'median'), read),
    row(`${label}, p95`, (report) => figureOf(read(report), 'p95')),
    // a relation of two spreads says nothing
    {
      ...row(`${label}, spread`, (report) => ({ ...figureOf(read(report), 'spread'), unit: '' })),
      ratio: null,
    },
  ];
  return [
    {
      title: 'Speed',
      rows: [
        row(
          'Encoder alone',
          ({ imagesPerSecond }) => imagesPerSecond.encode,
          ({ stages }) => stages.encode,
        ),
        row(
          'End to end',
          ({ imagesPerSecond }) => imagesPerSecond.endToEnd,
          ({ stages }) => stages.endToEnd,
        ),
        row('End to end / encoder alone', ({ endToEndShare }) => endToEndShare),
        row('Compute bound of the device', ({ bound }) => bound?.imagesPerSecond ?? null),
        row('Share of its own bound', ({ bound }) => bound?.share ?? null),
        row('Energy', ({ energy }) => energy),
      ],
    },
    {
      title: 'Memory',
      rows: [
        row('Images at once', batchFigure),
        row('Budget', ({ memory }) => memory.budget),
        row('Largest run, planned', ({ memory }) => memory.planned),
        row('Held by the encoder at most', ({ memory }) => memory.held),
        row('Whole device at most', ({ memory }) => memory.deviceWide),
        row('Process, resident at most', ({ memory }) => memory.resident),
      ],
    },
    {
      title: 'Stages',
      rows: [
        ...stage('Decode', ({ stages }) => stages.decode),
        ...stage('Resize', ({ stages }) => stages.resize),
        ...stage('Encode', ({ stages }) => stages.encode),
        ...stage('Write', ({ stages }) => stages.write),
        ...stage('End to end', ({ stages }) => stages.endToEnd),
      ],
    },
    {
      title: 'Parity with float32',
      rows: [
        row('rmse over deviation', ({ parity }) => differenceFigure(parity.difference?.relative)),
        row('Largest difference', ({ parity }) => differenceFigure(parity.difference?.maximum)),
      ],
    },
  ];
}

function figureOf(
  { unit, evidence, ...distribution }: Distribution,
  which: 'median' | 'p95' | 'spread',
): Figure {
  return { value: distribution[which], unit, evidence };
}

/** Found by the sweep. */
function batchFigure({ batch, stages }: BenchReport): Figure {
  return { value: batch, unit: 'images', evidence: stages.encode.evidence };
}

function differenceFigure(value: number | undefined): Figure | null {
  return value === undefined ? null : { value, unit: '', evidence: 'measured' };
}

function overlap(a: Distribution, b: Distribution): boolean {
  return a.minimum <= b.maximum && b.minimum <= a.maximum;
}

function factRows(a: BenchReport, b: BenchReport): ComparedFact[] {
  const row = (
    label: string,
    read: (report: BenchReport) => string | number | null | undefined,
  ): ComparedFact => ({
    label,
    a: String(read(a) ?? UNKNOWN),
    b: String(read(b) ?? UNKNOWN),
  });
  return [
    row('Device', ({ encoder }) => encoder.device),
    row('Backend', ({ encoder }) => encoder.backend),
    row('Precision', ({ work }) => work.precision),
    row('Parity', ({ parity }) => `${parity.status}: ${parity.message}`),
    row('Source of the bound', ({ bound }) => bound?.source),
    row('Encoder library', ({ versions }) => versions.encoder),
    row('Driver', ({ versions }) => versions.driver),
    row('Clock of the GPU, median MHz', ({ gpu }) => gpu?.during.smClockMhz?.median),
    row('Power limit, W', ({ gpu }) => gpu?.powerLimitWatts),
    row('Power, median W', ({ gpu }) => gpu?.during.powerWatts?.median),
    row('Reasons for lower clocks', ({ gpu }) => gpu?.during.throttleReasons?.join(', ')),
    row('Processor', ({ host }) => `${host.cpu}, ${host.processors} usable`),
    row('System', ({ host }) => host.system),
    row('latent-cache', ({ versions }) => versions.latentCache),
    row('Node.js', ({ versions }) => versions.node),
    row('sharp, libvips', ({ versions }) => `${versions.sharp}, ${versions.libvips}`),
    row('Date', ({ date }) => date),
  ];
}

const UNKNOWN = 'not known';

function notesOn(a: BenchReport, b: BenchReport): string[] {
  const notes: string[] = [];
  if (a.work.precision !== b.work.precision) {
    notes.push(
      `The precisions differ (${a.work.precision}, ${b.work.precision}), as --allow-precision allows: not the same work`,
    );
  }
  if (a.method.source.files !== b.method.source.files) {
    notes.push(
      'The JPEG files differ, since another version of sharp wrote them: decoding is nearly the same work',
    );
  }
  if (a.versions.latentCache !== b.versions.latentCache) notes.push('The versions of latent-cache differ');
  for (const [name, { warnings }] of [
    ['First', a],
    ['Second', b],
  ] as const) {
    for (const { message } of warnings) notes.push(`${name}: ${message}`);
  }
  return notes;
}

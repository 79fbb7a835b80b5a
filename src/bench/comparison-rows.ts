/** A comparison as rows of texts, from which every form of it is made. */
import type { ComparedFigure, Comparison } from './compare-reports.js';
import { digits, formatValue, UNKNOWN } from './format-figure.js';
import type { Evidence, Figure } from './report.js';

export interface Cell {
  readonly text: string;
  /** null for what is not known. */
  readonly evidence: Evidence | null;
}

export interface Row {
  readonly label: string;
  readonly a: Cell;
  readonly b: Cell;
  /** '5.00 times', or '' where there is none. */
  readonly ratio: string;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** The columns' names; told apart when the devices are the same. */
export function columnNames({ a, b }: Comparison): readonly [string, string] {
  const [left, right] = [a.encoder.device, b.encoder.device];
  return left === right ? [`${left} (first)`, `${right} (second)`] : [left, right];
}

export function sectionsOf({ figures }: Comparison): Section[] {
  return figures.map(({ title, rows }) => ({ title, rows: rows.map(rowOf) }));
}

/** What is compared, in one line. */
export function workLine({ a, b, simulated }: Comparison): string {
  const { preset, model, images, buckets, precision, batchPolicy, posterior, flip } = a.work;
  const sizes = buckets.map(({ width, height, images: count }) => `${width}x${height}: ${count}`).join(', ');
  const precisions = precision === b.work.precision ? precision : `${precision} and ${b.work.precision}`;
  const batch = batchPolicy === 'best' ? 'the best batch within each budget' : 'a fixed batch';
  const kind = simulated ? 'SIMULATED, no card ran: ' : '';
  return `${kind}${preset}, ${model}, ${images} images (${sizes}), ${precisions}, ${batch}, posterior ${posterior}${flip ? ', with mirrored images' : ''}`;
}

function rowOf({ label, a, b, ratio, overlaps }: ComparedFigure): Row {
  const times = ratio === null ? '' : `${digits(ratio)} times`;
  return {
    label,
    a: cellOf(a),
    b: cellOf(b),
    ratio: overlaps === true ? `${times}, samples overlap` : times,
  };
}

function cellOf(figure: Figure | null): Cell {
  if (figure === null) return { text: UNKNOWN, evidence: null };
  return { text: formatValue(figure), evidence: figure.evidence };
}

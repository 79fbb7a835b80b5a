/** Figures as people read them. */
import type { Figure } from './report.js';

export const UNKNOWN = 'not known';

/** '2.60 images/s', '383 ms/image', '11.2 GiB', '51.0 %' */
export function formatValue({ value, unit }: Figure): string {
  switch (unit) {
    case 's/image':
      return value < 1 ? `${digits(1000 * value)} ms/image` : `${digits(value)} s/image`;
    case 'B':
      return value < 2 ** 30 ? `${digits(value / 2 ** 20)} MiB` : `${digits(value / 2 ** 30)} GiB`;
    case '':
      return `${digits(100 * value)} %`;
    case 'images':
      return `${value} ${value === 1 ? 'image' : 'images'}`;
    default:
      return `${digits(value)} ${unit}`;
  }
}

/** Three digits, or all before the point. */
export function digits(value: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value) || value >= 1e9 || value < 1e-3) return value.toExponential(1);
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

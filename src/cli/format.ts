/** Numbers as people read them. */
export { formatBytes } from '../format-bytes.js';

/** `8GiB`, `512MiB`, `1.5G`, plain bytes; powers of 1024. undefined when it is none of these. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt])?(i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const power = match[2] === undefined ? 0 : 'kmgt'.indexOf(match[2].toLowerCase()) + 1;
  return Math.round(Number(match[1]) * 1024 ** power);
}

export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${seconds < 10 ? seconds.toFixed(1) : whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${pad(whole % 60)} min`;
  return `${Math.floor(whole / 3600)}:${pad(Math.floor((whole % 3600) / 60))} h`;
}

export function formatRate(perSecond: number): string {
  return perSecond >= 0.995
    ? `${perSecond.toFixed(perSecond < 10 ? 2 : 1)} images/s`
    : `${(1 / perSecond).toFixed(1)} s/image`;
}

/** '1 image', '2 images' */
export function countOf(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

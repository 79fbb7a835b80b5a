/** The report as one block of text that can be pasted into an issue. */
import type { Figures, SelftestCheck, SelftestReport, SelftestVerdict } from './report.js';

const MIB = 2 ** 20;
const WORDS: Record<SelftestVerdict, string> = { pass: 'PASS', fail: 'FAIL', simulated: 'SIMULATED' };
const WIDTH = 110;
const INDENT = '     ';
/** Checks of one VAE in one precision that share a line: they have little to show. */
const BRIEF = /^(.+)\.(start|repeat|batch|end)$/;
/** In the lines of checks; the JSON has all. */
const SHOWN = [
  'maxAbs',
  'rmse',
  'psnr',
  'sameBits',
  'repeatedInFloat32',
  'cases',
  'samples',
  'images',
  'sizes',
  'precision',
  'budgetBytes',
  'refusedBytes',
  'bytesAsked',
  'bytesFree',
  'op',
  'peakBytes',
  'heldBytes',
  'freeBytes',
  'missingBytes',
  'devices',
  'callsBeside',
];

/** With a fence of its own, so that it stays as it is. */
export function formatReport(report: SelftestReport): string[] {
  const { checks, environment, seconds, mode, date, device, deviceReason } = report;
  const because = deviceReason === null ? '' : ` (${deviceReason})`;
  return [
    '```text',
    ...wrap(
      `latent-cache self-test of ${device}${because}, ${mode}, ${seconds.toFixed(0)} s, ${date.slice(0, 10)}`,
    ),
    ...wrap(describe(environment, Object.keys(environment))),
    '',
    ...checks.filter(({ status }) => status === 'fail').flatMap(failureLines),
    ...passLines(checks.filter(({ status }) => status === 'pass')),
    ...skipLines(checks.filter(({ status }) => status === 'skip')),
    '',
    ...wrap(verdictOf(report)),
    ...(report.remedy === null ? [] : wrap(report.remedy)),
    '```',
  ];
}

export function verdictOf({ verdict, summary }: SelftestReport): string {
  return `${WORDS[verdict]}: ${summary}`;
}

/** One line of a check, as it ends. */
export function progressLine({ status, id, seconds, figures, code, message }: SelftestCheck): string {
  const text = status === 'pass' ? describe(figures, SHOWN) : [code, message].filter(Boolean).join(': ');
  return lineOf(status, id, seconds, text);
}

function passLines(checks: readonly SelftestCheck[]): string[] {
  const shared = new Map<string, string[]>();
  const lines: (() => string[])[] = [];
  for (const { id, seconds, figures } of checks) {
    const [, group, part] = BRIEF.exec(id) ?? [];
    if (group === undefined || part === undefined) {
      lines.push(() => wrap(lineOf('pass', id, seconds, describe(figures, SHOWN)), '', INDENT));
      continue;
    }
    const parts = shared.get(group) ?? [];
    if (parts.length === 0) lines.push(() => wrap(`pass ${group}: ${parts.join(', ')}`, '', INDENT));
    parts.push(`${part} ${seconds.toFixed(1)} s${bracketed(describe(figures, SHOWN))}`);
    shared.set(group, parts);
  }
  return lines.flatMap((line) => line());
}

function failureLines({ id, seconds, code, message, figures }: SelftestCheck): string[] {
  return [
    lineOf('FAIL', id, seconds, ''),
    ...wrap(`${code}: ${message}`, INDENT),
    ...wrap(describe(figures, SHOWN), INDENT),
  ];
}

/** Checks that were skipped for one reason share a line. */
function skipLines(checks: readonly SelftestCheck[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { id, message } of checks) {
    const reason = message ?? '';
    reasons.set(reason, [...(reasons.get(reason) ?? []), id]);
  }
  return [...reasons].flatMap(([reason, ids]) => wrap(`skip ${ids.join(' ')}: ${reason}`, '', INDENT));
}

function lineOf(word: string, id: string, seconds: number, text: string): string {
  return `${word} ${id.padEnd(20)} ${`${seconds.toFixed(1)} s`.padStart(7)}  ${text}`.trimEnd();
}

function describe(figures: Figures, names: readonly string[]): string {
  return names
    .flatMap((name) => {
      const value = figures[name];
      if (value === undefined) return [];
      const limit = figures[`${name}Limit`];
      return [formatFigure(name, value) + (limit === undefined ? '' : ` (limit ${formatNumber(limit)})`)];
    })
    .join(', ');
}

function formatFigure(name: string, value: number | string | boolean): string {
  if (name === 'psnr') return `PSNR ${Number(value).toFixed(1)} dB`;
  const words = name
    .replace(/Bytes$/, '')
    .replace(/([A-Z])/g, ' $1')
    .toLowerCase();
  if (typeof value === 'number' && /^bytes|Bytes$/.test(name))
    return `${words} ${Math.round(value / MIB)} MiB`;
  return `${words} ${formatNumber(value)}`;
}

function formatNumber(value: number | string | boolean): string {
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return value < 0.01 ? value.toExponential(1) : value.toPrecision(2);
}

function bracketed(text: string): string {
  return text === '' ? '' : ` (${text})`;
}

/** Breaks at spaces; several in a row stay. */
function wrap(text: string, indent = '', hanging = indent): string[] {
  const lines: string[] = [];
  for (let rest = indent + text; rest.trim() !== ''; ) {
    const at = rest.length <= WIDTH ? -1 : rest.lastIndexOf(' ', WIDTH);
    if (at <= hanging.length) return [...lines, rest.trimEnd()];
    lines.push(rest.slice(0, at).trimEnd());
    rest = hanging + rest.slice(at + 1);
  }
  return lines;
}

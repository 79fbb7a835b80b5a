/** The report as one block of text that can be pasted into an issue. */
import type { Figures, SelftestCheck, SelftestReport, Verdict } from './report.js';

const MIB = 2 ** 20;
const WORDS: Record<Verdict, string> = { pass: 'PASS', fail: 'FAIL', simulated: 'SIMULATED' };
const WIDTH = 110;
/** In the lines of checks; the JSON has all. */
const SHOWN = [
  'maxAbs',
  'rmse',
  'psnr',
  'maxAbsLimit',
  'rmseLimit',
  'sameBits',
  'repeatedInFloat32',
  'cases',
  'samples',
  'images',
  'runtime',
  'sizes',
  'precision',
  'budgetBytes',
  'refusedBytes',
  'bytesAsked',
  'bytesFree',
  'peakBytes',
  'heldBytes',
  'freeBytes',
  'missingBytes',
  'devices',
  'callsBeside',
];

/** With a fence of its own, so that it stays as it is. */
export function formatReport(report: SelftestReport): string[] {
  const { checks, environment, seconds, mode, date } = report;
  const passed = checks.filter(({ status }) => status === 'pass');
  return [
    '```text',
    `latent-cache self-test, ${date.slice(0, 10)}, ${mode}, ${report.device}, ${seconds.toFixed(0)} s`,
    ...wrap(describe(environment, Object.keys(environment))),
    '',
    ...checks.filter(({ status }) => status === 'fail').flatMap(failure),
    ...passed.map(line),
    ...skipLines(checks),
    '',
    ...wrap(verdictOf(report)),
    ...(report.remedy === null ? [] : wrap(report.remedy)),
    '```',
  ];
}

export function verdictOf({ verdict, summary }: SelftestReport): string {
  return `${WORDS[verdict]}: ${summary}`;
}

/** One line of a check. */
export function line(check: SelftestCheck): string {
  const { id, status, figures, seconds } = check;
  const text = describe(figures, SHOWN);
  return `${status} ${id.padEnd(22)} ${`${seconds.toFixed(1)} s`.padStart(7)}  ${text}`
    .trimEnd()
    .slice(0, WIDTH);
}

function failure(check: SelftestCheck): string[] {
  return [
    line({ ...check, figures: {} }).replace(/^fail/, 'FAIL'),
    ...wrap(`${check.code}: ${check.message}`, '     '),
    ...wrap(describe(check.figures, SHOWN), '     '),
  ];
}

/** Checks that were skipped for one reason share a line. */
function skipLines(checks: readonly SelftestCheck[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { status, id, message } of checks) {
    if (status === 'skip') reasons.set(message ?? '', [...(reasons.get(message ?? '') ?? []), id]);
  }
  return [...reasons].flatMap(([reason, ids]) => wrap(`skip ${ids.join(' ')}: ${reason}`, '', '     '));
}

function describe(figures: Figures, names: readonly string[]): string {
  return names
    .flatMap((name) => {
      const value = figures[name];
      return value === undefined ? [] : [formatFigure(name, value)];
    })
    .join(', ');
}

function formatFigure(name: string, value: number | string | boolean): string {
  const words = name
    .replace(/Bytes$/, '')
    .replace(/([A-Z])/g, ' $1')
    .toLowerCase();
  if (typeof value !== 'number') return `${words} ${value === true ? 'yes' : value === false ? 'no' : value}`;
  if (/Bytes$|^bytes/.test(name)) return `${words} ${Math.round(value / MIB)} MiB`;
  if (name === 'psnr') return `PSNR ${Number.isFinite(value) ? `${value.toFixed(1)} dB` : 'infinite'}`;
  return `${words} ${Number.isInteger(value) ? value : value.toPrecision(2)}`;
}

function wrap(text: string, indent = '', hanging = indent): string[] {
  const lines: string[] = [];
  let current = indent;
  for (const word of text.split(' ').filter((each) => each !== '')) {
    if (current.length + word.length + 1 > WIDTH && current.trim() !== '') {
      lines.push(current.trimEnd());
      current = hanging;
    }
    current += `${word} `;
  }
  return current.trim() === '' ? lines : [...lines, current.trimEnd()];
}

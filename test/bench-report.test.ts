import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type BenchReport,
  compareReports,
  LatentCacheError,
  readReportFile,
  renderComparison,
  validateReport,
} from '#dist/index.js';
import { asMeasured, changed, exampleReport } from './bench-helpers.js';
import { useScratchFolder } from './build-helpers.js';

const scratch = useScratchFolder();
let report: BenchReport;
beforeAll(async () => {
  report = await exampleReport('rtx-3060');
});

const isReportError = (error: unknown) => error instanceof LatentCacheError && error.code === 'ERR_REPORT';

describe('the examples', () => {
  it.each([
    'rtx-3060',
    'rtx-4090',
  ] as const)('%s is a report, and says that it is simulated', async (card) => {
    const example = validateReport(await exampleReport(card));
    expect(example.simulated).toBe(true);
    expect(example.parity.status).toBe('simulated');
    expect(example.work.simulation).toBe('');
  });
});

describe('the schema', () => {
  it('describes every field', async () => {
    const schema = JSON.parse(await readFile('docs/bench-report.schema.json', 'utf8'));
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(report).sort());
  });

  it.each([
    ['an unknown version', { schema: 2 }],
    ['a field that is unknown', { extra: 1 }],
    ['a label that is none', { imagesPerSecond: { encode: { evidence: 'guessed' } } }],
    ['control characters, which terminals obey', { host: { cpu: '\u001b[2J' } }],
    ['numbers that are too large for JSON', { memory: { resident: { value: Number.POSITIVE_INFINITY } } }],
  ] as const)('refuses %s', (_what, changes) => {
    expect(() => validateReport(changed(report, changes as never))).toThrow(
      expect.objectContaining({ code: 'ERR_REPORT' }),
    );
  });
});

describe('a report that was changed by hand is refused:', () => {
  it.each([
    ['a median that the samples do not have', { stages: { encode: { median: 0.001 } } }],
    ['a p95 that the samples do not have', { stages: { write: { p95: 0.0001 } } }],
    ['a speed that the median does not give', { imagesPerSecond: { encode: { value: 1000 } } }],
    ['a share that the speed does not give', { bound: { share: { value: 0.9 } } }],
    ['a batch that was not tried', { batch: 1000 }],
    ['images that the buckets do not hold', { work: { images: 1000 } }],
    ['a simulation that claims to be measured', { simulated: false }],
    ['a simulated speed labelled as measured', { imagesPerSecond: { encode: { evidence: 'measured' } } }],
  ] as const)('%s', (_what, changes) => {
    expect(() => validateReport(changed(report, changes as never))).toThrow(
      expect.objectContaining({ code: 'ERR_REPORT' }),
    );
  });

  it('a parity that its own figures do not pass', () => {
    const measured = asMeasured(report);
    expect(validateReport(measured)).toBe(measured);
    const doctored = changed(measured, { parity: { difference: { relative: 0.5 } } });
    expect(() => validateReport(doctored)).toThrow(/parity/);
  });
});

describe('a file', () => {
  it.each([
    '',
    '[]',
    'null',
    '{',
    '"text"',
    '{"schema":1}',
    '1e999',
    `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
  ])('that is no report is refused (%#)', async (content) => {
    const file = path.join(scratch(), 'report.json');
    await writeFile(file, content);
    await expect(readReportFile(file)).rejects.toSatisfy(isReportError);
  });

  it('that does not exist is refused with its path', async () => {
    const file = path.join(scratch(), 'missing.json');
    await expect(readReportFile(file)).rejects.toMatchObject({ code: 'ERR_REPORT', path: file });
  });
});

describe('whatever somebody puts in place of a part of a report', () => {
  it('is refused, or shown without harm', async () => {
    const places = pathsOf(report);
    const anything = fc.oneof(fc.jsonValue(), fc.string(), fc.double(), fc.constant('</svg><script>'));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), anything, async (place, value) => {
        let accepted: BenchReport;
        try {
          accepted = validateReport(replaced(report, place, value));
        } catch (error) {
          expect(error).toSatisfy(isReportError);
          return;
        }
        let comparison: ReturnType<typeof compareReports>;
        try {
          comparison = compareReports(accepted, accepted);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_COMPARE' });
          return;
        }
        for (const format of ['table', 'markdown'] as const) await renderComparison(comparison, format);
        expect(await renderComparison(comparison, 'html')).not.toContain('<script');
      }),
      { numRuns: 300 },
    );
  });
});

type Place = readonly (string | number)[];

/** Of every value inside, the first elements of lists only. */
function pathsOf(value: unknown, above: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [above];
  const keys = Array.isArray(value) ? [...value.keys()].slice(0, 2) : Object.keys(value);
  return [above, ...keys.flatMap((key) => pathsOf((value as Record<string, unknown>)[key], [...above, key]))];
}

function replaced(value: unknown, [key, ...rest]: Place, by: unknown): unknown {
  if (key === undefined) return by;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  (copy as Record<string | number, unknown>)[key] = replaced(
    (value as Record<string | number, unknown>)[key],
    rest,
    by,
  );
  return copy;
}

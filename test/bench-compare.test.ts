import { beforeAll, describe, expect, it } from 'vitest';
import { formatOfFile } from '#dist/bench/render-comparison.js';
import { type BenchReport, compareReports, findDifferences, renderComparison } from '#dist/index.js';
import { asMeasured, changed, exampleReport } from './bench-helpers.js';

let a: BenchReport;
let b: BenchReport;
beforeAll(async () => {
  [a, b] = await Promise.all([exampleReport('rtx-3060'), exampleReport('rtx-4090')]);
});

const OTHER_SHA = 'f'.repeat(64);

describe('reports of unequal work are refused, and the message names', () => {
  it.each([
    ['work.preset', { work: { preset: 'sd-512' } }],
    ['work.model', { work: { model: 'sd' } }],
    ['work.weights', { work: { weights: OTHER_SHA } }],
    ['work.images', { work: { images: 8 } }],
    ['work.pixels', { work: { pixels: OTHER_SHA } }],
    ['work.buckets', { work: { buckets: [{ width: 512, height: 512, images: 16 }] } }],
    ['work.precision', { work: { precision: 'fp32' } }],
    ['work.batchPolicy', { work: { batchPolicy: 'fixed' } }],
    ['work.flip', { work: { flip: true } }],
    ['work.posterior', { work: { posterior: 'sample' } }],
    ['work.format', { work: { format: 'other' } }],
    ['work.dtype', { work: { dtype: 'float16' } }],
    ['work.simulation', { work: { simulation: 'pace=0' } }],
    ['method.quick', { method: { quick: true } }],
  ] as const)('%s', (field, changes) => {
    const other = changed(b, changes as never);
    expect(findDifferences(a, other).map((difference) => difference.field)).toEqual([field]);
    expect(() => compareReports(a, other)).toThrow(
      expect.objectContaining({ code: 'ERR_COMPARE', message: expect.stringContaining(field) }),
    );
  });

  it('every field, when there are several', () => {
    const other = changed(b, { work: { preset: 'sd-512', pixels: OTHER_SHA } });
    expect(() => compareReports(a, other)).toThrow(/work\.preset.*\n.*work\.pixels/);
  });

  it('that one is simulated and the other is not', () => {
    expect(() => compareReports(asMeasured(a), b)).toThrow(/simulated: false \/ true/);
  });
});

describe('a speed whose latents are not right', () => {
  it.each(['failed', 'not-checked'] as const)('is void: parity %s', (status) => {
    const other = changed(asMeasured(b), { parity: { status } });
    expect(() => compareReports(asMeasured(a), other)).toThrow(
      expect.objectContaining({ code: 'ERR_COMPARE', message: expect.stringContaining('void') }),
    );
  });
});

describe('reports of equal work', () => {
  it('are compared although their best batches differ', () => {
    expect(() => compareReports(a, { ...b, batch: b.batch * 2 })).not.toThrow();
  });

  it('may differ in precision only where that is asked for, with a note', () => {
    const other = changed(b, { work: { precision: 'fp32' } });
    const { notes } = compareReports(a, other, { allowPrecision: true });
    expect(notes.join()).toContain('fp16, fp32');
  });

  it('get a note, no refusal, when another sharp wrote the files', () => {
    const other = changed(b, { method: { source: { files: OTHER_SHA } } });
    expect(compareReports(a, other).notes.join()).toContain('JPEG files differ');
  });

  it('give ratios of second to first', () => {
    const [speed] = compareReports(a, b).figures;
    const encoder = speed?.rows.find(({ label }) => label === 'Encoder alone');
    expect(encoder?.ratio).toBeCloseTo(b.imagesPerSecond.encode.value / a.imagesPerSecond.encode.value, 12);
  });

  it('say when the samples overlap, so that the difference may be chance', () => {
    const [speed] = compareReports(a, a).figures;
    expect(speed?.rows[0]?.overlaps).toBe(true);
    expect(compareReports(a, b).figures[0]?.rows[0]?.overlaps).toBe(false);
  });
});

describe('a comparison as', () => {
  it.each([
    ['a.html', 'html'],
    ['a.HTM', 'html'],
    ['a.md', 'markdown'],
    ['a.txt', 'table'],
    [undefined, 'table'],
  ])('in %s is %s', (file, format) => {
    expect(formatOfFile(file)).toBe(format);
  });

  it.each(['table', 'markdown', 'html'] as const)('%s labels every figure', async (format) => {
    const text = await renderComparison(compareReports(a, b), format);
    const figures = text.match(/\d (images\/s|ms\/image|s\/image|[KMG]iB)\b.*?(measured|simulated|derived)/g);
    const unlabelled = text.match(
      /\d (images\/s|ms\/image|s\/image|[KMG]iB)(?! (?:\(|<span class="badge )?(?:measured|simulated|derived))/g,
    );
    expect(figures?.length).toBeGreaterThan(20);
    expect(unlabelled).toBeNull();
  });

  it.each(['table', 'markdown', 'html'] as const)('%s says loudly that it is simulated', async (format) => {
    const text = await renderComparison(compareReports(a, b), format);
    expect(text).toContain('SIMULATED');
    const measured = await renderComparison(compareReports(asMeasured(a), asMeasured(b)), format);
    expect(measured).not.toContain('SIMULATED');
  });

  it('a page fetches nothing and runs no script', async () => {
    const page = await renderComparison(compareReports(a, b), 'html');
    expect(page.match(/<svg/g)).toHaveLength(4);
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\((?!#)|\son\w+=|(?:src|href)="(?!#)/);
  });

  it('a page shows the texts of a report and does not obey them', async () => {
    const evil = changed(a, {
      encoder: { device: '<script>alert(1)</script>' },
      host: { cpu: '"><img src=x>' },
    });
    const page = await renderComparison(compareReports(evil, b), 'html');
    expect(page).not.toMatch(/<script|<img/);
    expect(page).toContain('&lt;script&gt;');
  });

  it('Markdown keeps its columns whatever a report says', async () => {
    const evil = changed(a, { encoder: { device: 'a|b|c' } });
    const text = await renderComparison(compareReports(evil, b), 'markdown');
    const rows = text.split('\n').filter((line) => line.startsWith('| Device'));
    expect(rows.map((row) => row.match(/(?<!\\)\|/g)?.length)).toEqual([4]);
  });
});

import { describe, expect, it } from 'vitest';
import { formatBytes, formatRate, formatSeconds, parseBytes } from '#dist/cli/format.js';
import { TextReporter } from '#dist/cli/reporter.js';
import type { BuildEvent, EngineEvent, ProgressEvent } from '#dist/index.js';

const progress = (done: number): ProgressEvent => ({
  type: 'progress',
  done,
  total: 100,
  imagesPerSecond: 2.5,
  secondsLeft: 3725,
  bucket: { width: 832, height: 1216 },
  batch: 4,
  rssBytes: 512 * 2 ** 20,
});

/** What a reporter writes when an event comes every `milliseconds`. */
function shown(
  events: BuildEvent[],
  milliseconds: number,
  output: { isTTY?: boolean; columns?: number },
): string {
  let text = '';
  let now = 1e6;
  const reporter = new TextReporter(
    { ...output, write: (part) => (text += part) },
    () => (now += milliseconds),
  );
  for (const event of events) reporter.report(event);
  reporter.close();
  return text;
}

describe('progress', () => {
  it('is one line on a terminal, written over itself', () => {
    const text = shown([progress(1), progress(2), progress(3)], 1000, { isTTY: true, columns: 200 });
    expect(text.split('\n')).toHaveLength(2);
    expect(text.split('\r\u001b[K').slice(1)).toHaveLength(3);
  });

  it('tells done, rate, time left, bucket, batch and memory', () => {
    const text = shown([progress(1)], 1000, { isTTY: true, columns: 200 });
    for (const part of ['1/100', '2.50 images/s', '1:02 h left', '832x1216', 'batch 4', '512 MiB']) {
      expect(text).toContain(part);
    }
  });

  it('never is wider than the terminal', () => {
    const text = shown([progress(1)], 1000, { isTTY: true, columns: 40 });
    expect(text.replace('\r\u001b[K', '').trimEnd().length).toBeLessThan(40);
  });

  it('is a plain line now and then elsewhere, and always at the end', () => {
    const events = [...Array(100).keys()].map((index) => progress(index + 1));
    const lines = shown(events, 1000, {}).trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines.at(-1)).toMatch(/^100\/100 /);
    expect(lines.join('')).not.toContain('\u001b');
  });
});

describe('numbers', () => {
  it.each([
    ['2GiB', 2 ** 31],
    ['512 MiB', 2 ** 29],
    ['1.5g', 1.5 * 2 ** 30],
    ['100', 100],
    ['much', undefined],
    ['-1', undefined],
  ])('reads %s as a size', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it('are short', () => {
    expect([formatBytes(1023), formatBytes(1536), formatBytes(20 * 2 ** 30)]).toEqual([
      '1023 B',
      '1.5 KiB',
      '20 GiB',
    ]);
    expect([formatSeconds(5), formatSeconds(65), formatSeconds(7260)]).toEqual([
      '5.0 s',
      '1:05 min',
      '2:01 h',
    ]);
    expect([formatRate(12.34), formatRate(0.25)]).toEqual(['12.3 images/s', '4.0 s/image']);
  });
});

describe('an engine that is built', () => {
  const engine: EngineEvent = {
    type: 'engine',
    purpose: 'bucket',
    bucket: { width: 832, height: 1216 },
    phase: 'Building',
    seconds: 75,
    index: 2,
    total: 5,
  };

  it('is one line with its bucket, phase and time', () => {
    const text = shown([engine], 1000, { isTTY: true, columns: 200 });
    expect(text).toContain('Building engine 2/5 832x1216 · Building · 1:15 min');
  });

  it('without a bucket of its own says what it is for', () => {
    const text = shown([{ ...engine, purpose: 'shared', bucket: null }], 1000, { isTTY: true, columns: 200 });
    expect(text).toContain('2/5 for all other sizes');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchLimits } from '#dist/memory/batch-limits.js';
import { BatchHistory } from '#dist/memory/history.js';
import { countsUpTo } from '#dist/memory/needs-table.js';
import { SharedLock } from '#dist/memory/shared-lock.js';
import { SpeedWatch } from '#dist/memory/speed-watch.js';

const SIZE = { width: 64, height: 64 };
const LARGER = { width: 64, height: 128 };

describe('limits of batches', () => {
  const runs = (limits: BatchLimits, count: number, times: number) => {
    let grown: number | undefined;
    for (let run = 0; run < times; run++) grown ??= limits.succeeded(SIZE, count);
    return grown;
  };

  it('grow back after a while', () => {
    const limits = new BatchLimits();
    limits.plan(SIZE, 8);
    limits.failed(SIZE, 8);
    expect(runs(limits, 4, 100)).toBe(8);
  });

  it('never grow to what failed twice', () => {
    const limits = new BatchLimits();
    limits.plan(SIZE, 8);
    limits.failed(SIZE, 8);
    runs(limits, 4, 100);
    limits.failed(SIZE, 8);
    expect(runs(limits, 4, 1000)).toBe(7);
    expect(runs(limits, 7, 1000)).toBeUndefined();
  });

  it('hold for larger sizes when a smaller one failed twice', () => {
    const limits = new BatchLimits();
    limits.plan(SIZE, 4);
    limits.plan(LARGER, 4);
    limits.failed(SIZE, 4);
    limits.failed(SIZE, 4);
    for (let run = 0; run < 1000; run++) limits.succeeded(LARGER, limits.get(LARGER));
    expect(limits.get(LARGER)).toBe(3);
  });

  it('do not grow on batches that the end of a bucket made small', () => {
    const limits = new BatchLimits();
    limits.plan(SIZE, 8);
    limits.failed(SIZE, 8);
    expect(runs(limits, 3, 1000)).toBeUndefined();
  });

  it('stay between 1 and the plan whatever happens', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.array(fc.boolean(), { maxLength: 300 }),
        (planned, outcomes) => {
          const limits = new BatchLimits();
          limits.plan(SIZE, planned);
          for (const isGood of outcomes) {
            const count = limits.get(SIZE);
            if (isGood) limits.succeeded(SIZE, count);
            else limits.failed(SIZE, count);
            expect(limits.get(SIZE)).toBeGreaterThanOrEqual(1);
            expect(limits.get(SIZE)).toBeLessThanOrEqual(planned);
          }
        },
      ),
    );
  });
});

describe('counts that are tried', () => {
  it('are the wanted one and the powers of two below it', () => {
    expect(countsUpTo(8)).toEqual([8, 4, 2, 1]);
    expect(countsUpTo(6)).toEqual([6, 4, 2, 1]);
    expect(countsUpTo(1)).toEqual([1]);
  });
});

describe('a fall of speed', () => {
  it('is told when three runs in a row are more than three times slower than the first ones', () => {
    const watch = new SpeedWatch();
    const slowdowns = [1, 1.2, 0.9, 1, 4, 4].map((seconds) => watch.note(SIZE, 1, seconds));
    expect(slowdowns).toEqual(Array(6).fill(undefined));
    expect(watch.note(SIZE, 1, 4.5)).toBeCloseTo(5);
  });

  it('is none when only the batch has become larger', () => {
    const watch = new SpeedWatch();
    for (let run = 0; run < 3; run++) watch.note(SIZE, 1, 1);
    for (let run = 0; run < 5; run++) expect(watch.note(SIZE, 8, 8)).toBeUndefined();
  });
});

describe('a lock', () => {
  it('lets nobody in beside who is alone, and everybody in at last', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 20 }), async (tasks) => {
        const lock = new SharedLock();
        let shared = 0;
        let alone = 0;
        let done = 0;
        await Promise.all(
          tasks.map(async (isAlone, index) => {
            for (let turn = 0; turn < index % 3; turn++) await Promise.resolve();
            await (isAlone
              ? lock.alone(async () => {
                  expect(shared + alone).toBe(0);
                  alone++;
                  await Promise.resolve();
                  alone--;
                  done++;
                })
              : lock.shared(async () => {
                  expect(alone).toBe(0);
                  shared++;
                  await Promise.resolve();
                  shared--;
                  done++;
                }));
          }),
        );
        expect(done).toBe(tasks.length);
      }),
    );
  });

  it('is free again after a task that failed', async () => {
    const lock = new SharedLock();
    await expect(lock.alone(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await lock.shared(async () => 1)).toBe(1);
  });
});

describe('the history of batches', () => {
  it('stays short however often they change', () => {
    const history = new BatchHistory();
    for (let run = 0; run < 10_000; run++) history.add(SIZE, 1 + (run % 2), 1);
    const [bucket] = history.report();
    expect(bucket?.spans.length).toBeLessThanOrEqual(64);
    expect(bucket?.changes).toBe(9999);
    expect(bucket?.spans.reduce((sum, { images }) => sum + images, 0)).toBe(10_000);
  });
});

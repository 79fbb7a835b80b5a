import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadBinding } from '#dist/native/load.js';
import { MeasuredRates } from '#dist/pipeline/measured-rates.js';
import { useScratchFolder } from './build-helpers.js';

const scratch = useScratchFolder();
const KEY = { backend: 'cpu', device: '2 threads', precision: 'fp32' };
const files = loadBinding();

describe('measured rates', () => {
  it('are found by what encoded', async () => {
    await new MeasuredRates(scratch()).note(KEY, { operations: 4e13, images: 40, seconds: 20 }, files);
    const rates = new MeasuredRates(scratch());
    expect(await rates.find(KEY)).toMatchObject({ operationsPerSecond: 2e12, images: 40 });
    expect(await rates.find({ ...KEY, precision: 'bf16' })).toBeUndefined();
  });

  it('are not noted of short runs', async () => {
    const rates = new MeasuredRates(scratch());
    await rates.note(KEY, { operations: 1e12, images: 5, seconds: 100 }, files);
    await rates.note(KEY, { operations: 1e12, images: 500, seconds: 1 }, files);
    expect(await rates.find(KEY)).toBeUndefined();
  });

  it.each([
    '',
    '[]',
    'null',
    '{"cpu, 2 threads, fp32":{"operationsPerSecond":"fast"}}',
    '{',
  ])('that were spoiled (%j) are none', async (text) => {
    await writeFile(path.join(scratch(), 'rates.json'), text);
    expect(await new MeasuredRates(scratch()).find(KEY)).toBeUndefined();
  });

  it('are a convenience: a folder that cannot be written is no error', async () => {
    await writeFile(path.join(scratch(), 'file'), '');
    const rates = new MeasuredRates(path.join(scratch(), 'file', 'below'));
    await rates.note(KEY, { operations: 4e13, images: 40, seconds: 20 }, files);
    expect(await rates.find(KEY)).toBeUndefined();
  });
});

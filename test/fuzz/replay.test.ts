/** Every input of the fuzzers' corpus once more: seeds, hostile files, and what fuzzing has found. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { execute, MEMORY_LIMIT_BYTES, peakBytes, resetPeak } from '../../scripts/fuzz/execute.mjs';
import { loadTarget, TARGETS } from '../../scripts/fuzz/targets/index.mjs';

const corpus = fileURLToPath(new URL('corpus/', import.meta.url));
const scratch = mkdtempSync(path.join(tmpdir(), 'latent-cache-replay-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.each(TARGETS)('%s', async (name) => {
  const target = await loadTarget(name);

  it.each(readdirSync(path.join(corpus, name)))('%s', async (file) => {
    const bytes = readFileSync(path.join(corpus, name, file));
    resetPeak();
    expect(await execute(target, bytes, path.join(scratch, 'input'))).toBeUndefined();
    expect(peakBytes()).toBeLessThan(MEMORY_LIMIT_BYTES);
  });
});

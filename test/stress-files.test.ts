/** A few faults of each kind that `npm run stress:files` makes of every operation. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../scripts/stress/files.mjs', import.meta.url));

it('a fault of files costs at most a batch, and the next run mends it', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--runs', '2', '--images', '4'], {
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
}, 240_000);

// numpy reads changed npz files too: what this project's reader accepts, numpy reads to the same arrays.
// Usage: node scripts/fuzz/numpy.mjs [--count N] [--seed S]   (PYTHON=/usr/bin/python3)
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readNpyNumbers } from '../../dist/cache/npy.js';
import { LatentCacheError } from '../../dist/errors.js';
import { readCache } from '../../dist/trainers/sd-scripts/read-npz.js';
import { changeBytes } from './bytes.mjs';
import { Random } from './random.mjs';
import { loadTarget } from './targets/index.mjs';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '3000' }, seed: { type: 'string', default: '1' } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const random = new Random(Number(values.seed));
const { structured, words } = await loadTarget('npz');
const folders = [here('../../test/fuzz/corpus/npz'), here('../../test/golden/data/npz')];
const inputs = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => !name.endsWith('.json'))
    .map((name) => readFileSync(path.join(folder, name))),
);

/** Shape and hash of the values as doubles, by key; null when the file is refused, or an array's type. */
async function read(file) {
  try {
    const arrays = [...(await readCache(file)).arrays];
    return Object.fromEntries(
      arrays.map(([key, { npy }]) => {
        const { header, values: numbers } = readNpyNumbers(npy);
        return [key, { shape: header.shape, sha256: createHash('sha256').update(numbers).digest('hex') }];
      }),
    );
  } catch (error) {
    if (error instanceof LatentCacheError) return null;
    throw error;
  }
}

const scratch = mkdtempSync(path.join(tmpdir(), 'latent-cache-numpy-'));
try {
  const results = {};
  for (let index = 0; index < Number(values.count); index++) {
    const context = { others: inputs, words };
    let bytes = inputs[index] ?? structured(random.pick(inputs), random, context);
    if (index >= inputs.length && random.chance(0.3)) bytes = changeBytes(bytes, random, context);
    writeFileSync(path.join(scratch, String(index)), bytes);
    results[index] = await read(path.join(scratch, String(index)));
  }
  writeFileSync(path.join(scratch, 'results.json'), JSON.stringify(results));
  const { status } = spawnSync(process.env.PYTHON ?? 'python3', [here('numpy_compare.py'), scratch], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(scratch, { recursive: true });
}

// Drives the GPU plug-in through a real driver: devices, memory, streams, faults. With TensorRT's doubles that compute
// next to nothing on the GPU itself (native/tests/on_gpu), so that results are known and TensorRT is not needed.
//
// Usage: cmake -S . -B build-on-gpu -DLC_BUILD_ADDON=OFF -DLC_BUILD_ON_GPU=ON -DCMAKE_BUILD_TYPE=Release && cmake --build build-on-gpu
//        npm run verify:gpu -- --libraries build-on-gpu/on_gpu/trt10 [--only NAME]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeSeededVae } from '../../dist/model/seeded-vae.js';
import { contextFree, memoryReturns, statusAgrees } from './gpu/card.mjs';
import { exactResults } from './gpu/results.mjs';
import { killedRun, lostDevice, sharedCard } from './gpu/runs.mjs';

const { values } = parseArgs({
  options: { libraries: { type: 'string' }, only: { type: 'string', multiple: true } },
});
if (values.libraries === undefined) throw new Error('--libraries: the folder with the doubles of TensorRT');
process.env.LATENT_CACHE_LIBRARY_DIR = path.resolve(values.libraries);

const CHECKS = { statusAgrees, contextFree, exactResults, memoryReturns, sharedCard, killedRun, lostDevice };

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-gpu-'));
let failed = 0;
try {
  const vae = path.join(folder, 'vae.safetensors');
  await writeSeededVae(vae, { seed: 7, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
  for (const [name, check] of Object.entries(CHECKS)) {
    if (values.only !== undefined && !values.only.includes(name)) continue;
    const began = performance.now();
    let verdict = 'ok';
    let text;
    try {
      text = await check({ folder, vae });
    } catch (error) {
      verdict = 'FAILED';
      text = error.stack;
      failed++;
    }
    console.log(
      `${verdict.padEnd(6)} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s): ${text}`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;

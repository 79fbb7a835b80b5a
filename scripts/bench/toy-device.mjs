// A slow device on host memory (native/tests/doubles/toy_backend.h) with an engine, for benches and stress scripts.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadBinding } from '../../dist/native/load.js';
import { buildDoubles, doublesFolder } from '../build-doubles.mjs';

export const toyPlugin = path.join(doublesFolder, 'liblatent_cache_toy.so');

/** Of all toy devices of this process: live bytes, engines and devices, runs, the last misuse. */
export function toyCounters() {
  const { read } = createRequire(import.meta.url)(path.join(doublesFolder, 'toy_counters.node'));
  return read(toyPlugin);
}

/** A file with a plan; `remove` when all devices are closed. Builds the toy when it is not there. */
export async function toyPlan({ channels = 8, stride = 8, side = 512, count = 8 } = {}) {
  if (!existsSync(toyPlugin)) buildDoubles();
  const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-toy-'));
  const plan = `toy maxcount=${count} maxheight=${side} maxwidth=${side} channels=${channels} stride=${stride}`;
  await writeFile(path.join(folder, 'engine'), plan);
  return {
    location: { path: path.join(folder, 'engine'), offset: 0, bytes: plan.length },
    rowLength: (height, width) => channels * Math.floor(height / stride) * Math.floor(width / stride),
    remove: () => rm(folder, { recursive: true }),
  };
}

/** Opens a device as LC_TOY says. */
export function openToy({ slots = 2, memoryBudget = 2 ** 28 } = {}) {
  return loadBinding().openDevice({ plugin: toyPlugin, libraryFolders: [], device: 0, memoryBudget, slots });
}

/**
 * The oneDNN backend on processors of less than this one: emulated by qemu, where every instruction that they lack ends
 * the process, and with both libraries told to use less.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { golden, goldenMoments, largestDifference, scratchFolder, seededImage } from './encoder-helpers.js';

const run = promisify(execFile);
const scratch = scratchFolder();
const child = path.join(import.meta.dirname, 'children', 'encode-onednn.mjs');
const qemu = ['qemu-x86_64', 'qemu-x86_64-static']
  .flatMap((name) => process.env.PATH!.split(':').map((folder) => path.join(folder, name)))
  .find(existsSync);
const isX64 = process.arch === 'x64';
const isBuilt = findPlugins(['liblatent_cache_onednn.so']).length > 0;
const reduced = golden.cases.find(({ name }) => name === 'reduced 64x64')!;

/** What oneDNN calls the processor, and the largest error of the means. */
async function encode(command: readonly string[], env: Record<string, string> = {}) {
  const { width, height } = reduced;
  const [file, ...args] = [
    ...command,
    process.execPath,
    child,
    scratch('vae.safetensors'),
    scratch('pixels'),
  ];
  const means = scratch('means');
  await writeFile(means, '');
  const { stdout } = await run(file!, [...args, `${width}`, `${height}`, means], {
    env: { ...process.env, ...env },
  });
  const bytes = await readFile(means);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return { runtime: stdout.trim(), error: largestDifference(values, goldenMoments(reduced).mean) };
}

/** As in encoder-golden.test.ts: float32's own error is a tenth of it. */
const TOLERANCE = 5e-5;

describe.skipIf(!isBuilt || !isX64)(`an older processor${isBuilt ? '' : ' (no oneDNN plug-in)'}`, () => {
  beforeAll(async () => {
    const { seed, widths, blocks, imageSeed, height, width } = reduced;
    await writeSeededVae(scratch('vae.safetensors'), { seed, widths, blocksPerLevel: blocks });
    await writeFile(scratch('pixels'), seededImage(imageSeed, height, width));
  });

  it.for([
    ['SSE41', 'scalar', 'SSE4.1'],
    ['AVX2', 'avx2', 'AVX2'],
  ] as const)("limited to %s gives torch's moments", async ([onednn, ours, name]) => {
    const { runtime, error } = await encode([], { DNNL_MAX_CPU_ISA: onednn, LATENT_CACHE_ISA: ours });
    expect(runtime).toContain(name);
    expect(error).toBeLessThan(TOLERANCE);
  });

  const without = qemu === undefined ? ' (no qemu: install qemu-user)' : '';
  it.skipIf(qemu === undefined).for([
    ['Nehalem', 'SSE4.1'],
    ['Haswell', 'AVX2'],
  ] as const)(
    `emulated as %s gives torch's moments${without}`,
    { timeout: 60_000 },
    async ([model, name]) => {
      const { runtime, error } = await encode([qemu!, '-cpu', model]);
      expect(runtime).toContain(name);
      expect(error).toBeLessThan(TOLERANCE);
    },
  );
});

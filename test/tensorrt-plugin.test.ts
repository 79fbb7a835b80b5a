/**
 * The whole path with the real addon and the real plug-ins, on the fake CUDA runtime and the fake TensorRT. Needs plug-ins,
 * which are built where TensorRT's headers are (TENSORRT_ROOT).
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { drawImage, readNumbers } from './build-helpers.js';
import { SMALL, scratchFolder } from './encoder-helpers.js';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');
const doubles = path.join(root, 'build-doubles', 'doubles');
const scratch = scratchFolder();

interface Line {
  readonly type: string;
  readonly encoded?: number;
  readonly code?: string;
  readonly message?: string;
  readonly backend?: string;
  readonly reason?: string;
}

for (const major of [10, 11]) {
  const fakes = path.join(doubles, `trt${major}`);
  const isThere =
    existsSync(path.join(fakes, `libnvinfer.so.${major}`)) &&
    existsSync(path.join(root, 'build', 'Release', `liblatent_cache_trt${major}.so`));
  const name = `the plug-in for TensorRT ${major}${isThere ? '' : ' (no headers: set TENSORRT_ROOT)'}`;

  describe.skipIf(!isThere)(name, { timeout: 60_000 }, () => {
    const build = async (
      folder: string,
      options: { libraries?: readonly string[]; env?: Record<string, string>; backend?: string } = {},
    ): Promise<Line[]> => {
      const { libraries = [fakes, doubles], env = {}, backend = 'tensorrt' } = options;
      const { stdout } = await run(
        process.execPath,
        [
          path.join(root, 'bin', 'latent-cache.cjs'),
          ...['build', folder, '--vae', scratch('vae.safetensors'), '--model', 'sdxl', '--resolution', '256'],
          ...['--backend', backend, '--engine-dir', scratch(`engines${major}`), '--log-format', 'json'],
          ...libraries.flatMap((library) => ['--library-dir', library]),
        ],
        { env: { ...process.env, ...env } },
      ).catch((error: { stdout: string }) => error);
      return stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
    };
    const folderWith = async (label: string, count: number): Promise<string> => {
      const folder = scratch(`${label}-${major}`);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < count; i++) await drawImage(path.join(folder, `${i}x.png`), 256, 256, 10 * i);
      return folder;
    };

    beforeAll(async () => {
      await writeSeededVae(scratch('vae.safetensors'), { seed: 3, ...SMALL });
    });

    it('builds its engines, encodes, and finds the engines again', async () => {
      const folder = await folderWith('plain', 5);
      const first = await build(folder);
      expect(first.at(-1)).toMatchObject({ type: 'summary', encoded: 5 });
      expect(first.some(({ type }) => type === 'engine')).toBe(true);
      // drawImage's colour is (shade, 255 - shade, 30); the fake gives channel c % 3 of the corner's pixel, plus c
      for (let i = 0; i < 5; i++) {
        const { latents } = await readNumbers(path.join(folder, `${i}x_0256x0256_sdxl.npz`));
        expect([0, 1, 2, 3].map((c) => latents!.values[c * 32 * 32])).toEqual([
          10 * i,
          255 - 10 * i + 1,
          30 + 2,
          10 * i + 3,
        ]);
      }
      const again = await build(await folderWith('again', 3));
      expect(again.at(-1)).toMatchObject({ type: 'summary', encoded: 3 });
      expect(again.some(({ type }) => type === 'engine')).toBe(false);
    });

    it('is taken by auto', async () => {
      const lines = await build(await folderWith('auto', 1), { backend: 'auto' });
      expect(lines.find(({ type }) => type === 'encoder')).toMatchObject({ backend: 'tensorrt' });
    });

    it('gives way to the CPU without a driver, and says why', async () => {
      const lines = await build(await folderWith('cpu', 1), {
        backend: 'auto',
        env: { LC_FAKE_CUDA: 'driver=0' },
      });
      expect(lines.find(({ type }) => type === 'encoder')).toMatchObject({
        backend: 'cpu',
        reason: expect.stringMatching(/driver/),
      });
    });
  });
}

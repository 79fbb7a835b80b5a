/** Finding libraries, plug-ins and GPUs, and choosing a backend by what is there. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GPU_MEMORY, resolveBudget } from '#dist/encoder/memory-budget.js';
import { type CreateEncoderOptions, createEncoder } from '#dist/encoder/select.js';
import { findLibraryFolders } from '#dist/encoder/tensorrt/find-libraries.js';
import { openBackend } from '#dist/encoder/tensorrt/open-backend.js';
import { choosePrecision } from '#dist/encoder/tensorrt/precision.js';
import { type ErrorCode, LatentCacheError } from '#dist/errors.js';
import { cudaMemGetInfo, listDevices } from '#dist/index.js';
import type { VaeEncoderWeights } from '#dist/model/load-vae.js';
import type { NativeBinding } from '#dist/native/binding.js';
import { useScratchFolder } from './build-helpers.js';
import { scratchFolder } from './encoder-helpers.js';
import { FakeGpu } from './fake-gpu.js';
import { errorOf, seededWeights } from './tensorrt-helpers.js';

const GIB = 2 ** 30;

describe('library folders', () => {
  const list = (existing: Record<string, string[]>) => (folder: string) => existing[folder];

  it('are first those named, then those of the environment, whether they exist or not', () => {
    const env = { LATENT_CACHE_LIBRARY_DIR: '/env/a:/env/b:' };
    expect(findLibraryFolders({ folders: ['/x', 'y'], env, workingFolder: '/w', list: list({}) })).toEqual({
      libraryFolders: ['/x', '/w/y', '/env/a', '/env/b'],
    });
  });

  it('are then those of Python environments and toolkits that exist', () => {
    const existing = {
      '/venv/lib': ['python3.12', 'python3.9', 'pkgconfig'],
      '/venv/lib/python3.12/site-packages/tensorrt_libs': [],
      '/venv/lib/python3.9/site-packages/nvidia/cuda_runtime/lib': [],
      '/w/.venv/lib': ['python3.11'],
      '/w/.venv/lib/python3.11/site-packages/nvidia/cu13/lib': [],
      '/usr/local/cuda/lib64': [],
      '/opt/cuda/targets/x86_64-linux/lib': [],
    };
    const env = { VIRTUAL_ENV: '/venv', CUDA_HOME: '/opt/cuda', CONDA_PREFIX: '' };
    expect(findLibraryFolders({ env, workingFolder: '/w', list: list(existing) }).libraryFolders).toEqual([
      '/venv/lib/python3.12/site-packages/tensorrt_libs',
      '/venv/lib/python3.9/site-packages/nvidia/cuda_runtime/lib',
      '/w/.venv/lib/python3.11/site-packages/nvidia/cu13/lib',
      '/opt/cuda/targets/x86_64-linux/lib',
      '/usr/local/cuda/lib64',
    ]);
  });
});

describe('plug-ins', () => {
  const opens = (outcomes: Record<string, number | ErrorCode>): Pick<NativeBinding, 'probeBackend'> => ({
    async probeBackend({ plugin }) {
      const outcome = outcomes[plugin]!;
      if (typeof outcome === 'string') throw new LatentCacheError(outcome, `${plugin} says ${outcome}`);
      return { name: plugin, path: plugin, priority: outcome, runtime: plugin, precisions: [] };
    },
  });
  const search = { libraryFolders: [] };

  it('of several that open, the one with the highest priority is taken', async () => {
    const { name } = await openBackend(
      ['b', 'a', 'c'],
      search,
      opens({ a: 11, b: 10, c: 'ERR_TENSORRT_MISSING' }),
    );
    expect(name).toBe('a');
  });

  it.each([
    [['ERR_TENSORRT_MISSING', 'ERR_TENSORRT_TOO_OLD'], 'ERR_TENSORRT_TOO_OLD'],
    [['ERR_TENSORRT_MISSING', 'ERR_CUDA_DRIVER'], 'ERR_TENSORRT_MISSING'],
    [['ERR_CUDA_DRIVER', 'ERR_CUDA_MISSING'], 'ERR_CUDA_DRIVER'],
    [['ERR_TENSORRT_TOO_OLD', 'ERR_OUT_OF_MEMORY'], 'ERR_OUT_OF_MEMORY'],
  ] as const)('of %j the failure that got furthest is told', async ([a, b], told) => {
    expect((await errorOf(openBackend(['a', 'b'], search, opens({ a, b })))).code).toBe(told);
  });

  it('that were not built are named as the reason', async () => {
    const error = await errorOf(openBackend([], search, opens({})));
    expect(error.code).toBe('ERR_BACKEND_MISSING');
    expect(error.remedy).toContain('TENSORRT_ROOT');
  });
});

describe('the budget', () => {
  it.each([
    ['auto', 10 * GIB, 9 * GIB - GIB / 4],
    [4 * GIB, 10 * GIB, 4 * GIB],
    [40 * GIB, 10 * GIB, 9 * GIB - GIB / 4],
    [{ fraction: 0.25 }, 10 * GIB, 3 * GIB],
  ] as const)('%j of %d free bytes is %d', (budget, free, bytes) => {
    expect(resolveBudget(budget, { free, total: 12 * GIB }, GPU_MEMORY)).toBe(bytes);
  });

  it('of an earlier encoder holds although others have the memory now', () => {
    const memory = { free: GIB / 8, total: 12 * GIB };
    expect(resolveBudget({ agreed: 7 * GIB }, memory, GPU_MEMORY)).toBe(7 * GIB);
  });

  it('of a card that others fill is an error with what is free', async () => {
    const memory = async () => resolveBudget('auto', { free: GIB / 8, total: 12 * GIB }, GPU_MEMORY);
    expect(await errorOf(memory())).toMatchObject({ code: 'ERR_DEVICE_OUT_OF_MEMORY', bytesFree: GIB / 8 });
  });

  it.each([0, -1, 1.5, { fraction: 0 }, { fraction: 1.2 }, { agreed: 0 }])('refuses %j', async (budget) => {
    const resolve = async () => resolveBudget(budget, { free: GIB, total: GIB }, GPU_MEMORY);
    expect((await errorOf(resolve())).code).toBe('ERR_OPTION');
  });
});

describe('the precision', () => {
  const turing = new FakeGpu({ computeCapability: [7, 5] }).device;
  const ampere = new FakeGpu({ computeCapability: [8, 6] }).device;

  it('bf16x3 is not one of the GPU', async () => {
    const error = await errorOf((async () => choosePrecision('bf16x3', ampere))());
    expect(error.code).toBe('ERR_OPTION');
  });

  it('auto is fp16', () => {
    expect(choosePrecision('auto', turing)).toBe('fp16');
  });

  it('bf16 needs compute capability 8.0', async () => {
    expect(choosePrecision('bf16', ampere)).toBe('bf16');
    const error = await errorOf((async () => choosePrecision('bf16', turing))());
    expect(error.code).toBe('ERR_OPTION');
    expect(error.message).toContain('7.5');
  });
});

describe('devices', () => {
  const gpu = new FakeGpu();

  it('are listed, with their memory', async () => {
    expect(await listDevices({ binding: gpu.binding() })).toEqual([gpu.device]);
    expect(await cudaMemGetInfo(0, { binding: gpu.binding() })).toEqual({ free: 10 * GIB, total: 12 * GIB });
  });

  it('have an index', async () => {
    expect((await errorOf(cudaMemGetInfo(-1, { binding: gpu.binding() }))).code).toBe('ERR_ARGUMENT');
  });
});

describe('the backend', () => {
  const modelFolder = scratchFolder();
  const folder = useScratchFolder();
  let weights: VaeEncoderWeights;
  beforeAll(async () => {
    weights = await seededWeights(modelFolder('.'));
  });

  async function choose(
    options: CreateEncoderOptions,
    change: Partial<NativeBinding> = {},
    plugins = ['/p.so'],
  ) {
    const gpu = new FakeGpu();
    const binding = { ...gpu.binding(), ...change };
    const selected = await createEncoder(
      weights,
      { engineFolder: path.join(folder(), 'engines'), ...options, binding },
      { compile: gpu.compile, plugins, onednn: { plugins: [] } },
    );
    await selected.encoder.dispose();
    return { ...selected.encoder.info, reason: selected.reason };
  }

  const noDriver = {
    cudaStatus: async () => {
      throw new LatentCacheError('ERR_CUDA_DRIVER', 'The NVIDIA driver is not installed');
    },
  };

  it('is TensorRT where a GPU is', async () => {
    expect(await choose({})).toMatchObject({
      backend: 'tensorrt',
      device: 'Fake RTX',
      precision: 'fp16',
      reason: expect.stringMatching(/^a GPU and TensorRT are there; fp16 with scaled activations/),
    });
  });

  it('is the CPU where none is, and the reason is told in one line', async () => {
    const { backend, reason } = await choose({}, noDriver);
    expect(backend).toBe('cpu');
    expect(reason).toMatch(/^no GPU: The NVIDIA driver is not installed; .+$/);
  });

  it('is the CPU where no plug-in was built', async () => {
    expect((await choose({}, {}, [])).reason).toContain('TensorRT plug-ins were not built');
  });

  it('is not the CPU when the GPU is only full', async () => {
    const full = { cudaMemGetInfo: async () => ({ free: 0, total: GIB }) };
    expect((await errorOf(choose({}, full))).code).toBe('ERR_DEVICE_OUT_OF_MEMORY');
  });

  it('asked for by name is used or fails', async () => {
    expect(await choose({ backend: 'tensorrt' })).toMatchObject({
      backend: 'tensorrt',
      reason: expect.stringMatching(/^asked for; fp16/),
    });
    expect((await choose({ backend: 'cpu' })).backend).toBe('cpu');
    expect((await errorOf(choose({ backend: 'tensorrt' }, noDriver))).code).toBe('ERR_CUDA_DRIVER');
  });

  it('names the GPUs there are when another is asked for', async () => {
    const error = await errorOf(choose({ backend: 'tensorrt', device: 3 }));
    expect(error).toMatchObject({ code: 'ERR_NO_DEVICE', message: 'There is no GPU 3: 0 is Fake RTX' });
  });
});

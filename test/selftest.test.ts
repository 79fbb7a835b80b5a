/** The self-test: passes on what is right, and finds what is wrong by its name. */
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import { createEncoder } from '#dist/encoder/select.js';
import { createTensorrtEncoder } from '#dist/encoder/tensorrt/create-encoder.js';
import { ERROR_CODES, formatReport, LatentCacheError, runSelftest } from '#dist/index.js';
import { loadBinding } from '#dist/native/load.js';
import { withoutPaths } from '#dist/selftest/private-text.js';
import { useScratchFolder } from './build-helpers.js';
import { FakeGpu } from './fake-gpu.js';
import { checkOf, failuresOf, quickTest, spoiled } from './selftest-helpers.js';
import { errorOf } from './tensorrt-helpers.js';

const MIB = 2 ** 20;
const FAMILIES = ['kl16', 'flux2', 'hunyuan-image', 'qwen-image', 'tiny'].map((vae) => `family.${vae}`);
const folder = useScratchFolder();
const hasOnednn = findPlugins(['liblatent_cache_onednn.so']).length > 0;
const label = hasOnednn ? '' : ' (there is no oneDNN plug-in)';

beforeEach(() => {
  vi.stubEnv('TMPDIR', folder());
});

afterEach(async () => {
  vi.unstubAllEnvs();
  expect(await readdir(folder())).toEqual([]);
});

describe.skipIf(!hasOnednn)(`on the processor${label}`, () => {
  it('passes with an encoder that is right', async () => {
    const report = await quickTest();
    expect(failuresOf(report)).toEqual({});
    expect(report).toMatchObject({ verdict: 'pass', failed: 0, device: 'cpu', mode: 'quick', remedy: null });
    expect(checkOf(report, 'small.fp32.golden')?.figures).toMatchObject({ maxAbsLimit: 1e-4 });
    expect(checkOf(report, 'small.bf16')).toBeUndefined();
    expect(checkOf(report, 'small.bf16.start')).toMatchObject({ status: 'skip', message: 'fp32 alone' });
  });

  it('passes in every precision of this machine, without a seam', async () => {
    const report = await runSelftest({ device: 'cpu', mode: 'quick' });
    expect(failuresOf(report)).toEqual({});
    const [plugin] = findPlugins(['liblatent_cache_onednn.so']);
    const { precisions } = await loadBinding().probeBackend({ plugin: plugin!, libraryFolders: [] });
    for (const precision of precisions)
      expect(checkOf(report, `small.${precision}.golden`)?.status, precision).toBe('pass');
  });

  it('compares one VAE of every other kind', async () => {
    const report = await quickTest();
    const families = report.checks.filter(({ id }) => id.startsWith('family.'));
    expect(families.map(({ id, status }) => [id, status])).toEqual(FAMILIES.map((id) => [id, 'pass']));
  });

  it('finds one wrong value of another VAE', async () => {
    const report = await quickTest({
      encodeBatch: async (encoder, batch, options) => {
        const moments = await encoder.encodeBatch(batch, options);
        if (encoder.info.stride === 32) moments.mean[0]! += 0.001;
        return moments;
      },
    });
    expect(failuresOf(report)).toEqual({ 'family.hunyuan-image': 'SELFTEST_DEVIATES' });
  });

  it('finds one wrong value', async () => {
    const report = await quickTest(
      spoiled(({ mean }) => {
        mean[7]! += 0.001;
      }),
    );
    expect(failuresOf(report)['small.fp32.golden']).toBe('SELFTEST_DEVIATES');
    expect(report.verdict).toBe('fail');
    expect(report.summary).toContain('the first of them small.fp32.golden: SELFTEST_DEVIATES');
    expect(report.remedy).toContain('Train with no cache from this device');
  });

  it('finds a wrong variance', async () => {
    const report = await quickTest(
      spoiled(({ logvar }) => {
        logvar[0]! -= 0.001;
      }),
    );
    expect(checkOf(report, 'small.fp32.golden')?.message).toMatch(/^logvar of small 64x64/);
  });

  it('finds NaN', async () => {
    const report = await quickTest(
      spoiled(({ mean }) => {
        mean[3] = Number.NaN;
      }),
    );
    expect(failuresOf(report)['small.fp32.golden']).toBe('SELFTEST_NOT_FINITE');
  });

  it('finds results that are not the same twice, though within limits', async () => {
    let calls = 0;
    const report = await quickTest(
      spoiled(({ mean }) => {
        mean[0]! += 1e-6 * (++calls % 3);
      }),
    );
    expect(checkOf(report, 'small.fp32.golden')?.status).toBe('pass');
    expect(failuresOf(report)['small.fp32.repeat']).toBe('SELFTEST_NOT_REPEATABLE');
  });

  it('finds images that change places in a batch', async () => {
    const report = await quickTest(
      spoiled(({ mean, count }) => {
        if (count > 1) mean.reverse();
      }),
    );
    expect(failuresOf(report)).toEqual({ 'small.fp32.batch': 'SELFTEST_DEVIATES' });
  });

  it('finds memory that an encoder holds after its end', async () => {
    const report = await quickTest({ heldBytes: 1 });
    expect(failuresOf(report)).toMatchObject({
      'small.fp32.end': 'SELFTEST_MEMORY_HELD',
      'memory.returns': 'SELFTEST_MEMORY_HELD',
    });
  });

  it('finds memory that the device does not get back', async () => {
    let opened = 0;
    const readMemory = async () => ({ free: 8192 * MIB - 30 * MIB * opened, total: 8192 * MIB });
    const report = await quickTest({
      start: () => {
        opened++;
      },
      readMemory,
    });
    expect(failuresOf(report)).toEqual({ 'memory.returns': 'SELFTEST_MEMORY_HELD' });
    expect(checkOf(report, 'memory.returns')?.figures.missingBytes).toBe(90 * MIB);
  });

  it('finds an encoder that goes beyond its budget', async () => {
    expect(failuresOf(await quickTest({ ignoresBudget: true }))).toEqual({
      'memory.drill': 'SELFTEST_NO_REFUSAL',
    });
  });

  it('finds a call that cannot be aborted', async () => {
    const report = await quickTest({ encodeBatch: (encoder, batch) => encoder.encodeBatch(batch) });
    expect(failuresOf(report)).toEqual({ cancel: 'SELFTEST_WRONG_RESULT' });
  });

  it('goes on after an error, and names its code', async () => {
    const report = await quickTest({
      encodeBatch: async () => {
        throw new LatentCacheError('ERR_ENCODER', `broken, see ${homedir()}/private/notes.txt`);
      },
    });
    expect(Object.keys(failuresOf(report))).toEqual([
      'small.fp32.golden',
      'small.fp32.repeat',
      'small.fp32.batch',
      ...FAMILIES,
      'memory.drill',
      'cancel',
      'build',
      'memory.returns',
    ]);
    expect(checkOf(report, 'small.fp32.golden')).toMatchObject({
      code: 'ERR_ENCODER',
      message: 'broken, see …/notes.txt',
    });
    expect(checkOf(report, 'memory.counters')?.status).toBe('pass');
  });

  it('fails where nothing could be compared', async () => {
    const report = await runSelftest(
      { device: 'cpu', mode: 'quick' },
      {
        createEncoder: async (weights, { precision, ...options }) => {
          if (precision !== undefined) throw new LatentCacheError('ERR_OPTION', 'no precision at all');
          return createEncoder(weights, options);
        },
      },
    );
    expect(report).toMatchObject({ verdict: 'fail', failed: 0 });
    expect(report.summary).toContain('SELFTEST_NOTHING_COMPARED');
  });

  it('ends at once when it is aborted, and leaves nothing', async () => {
    const stop = new AbortController();
    const error = await errorOf(
      runSelftest({
        device: 'cpu',
        mode: 'quick',
        signal: stop.signal,
        onEvent: (event) => {
          if (event.type === 'begin' && event.id === 'small.fp32.golden') stop.abort();
        },
      }),
    );
    expect(error.code).toBe('ERR_ABORTED');
  });
});

describe('on a simulated GPU', () => {
  it('runs the control flow and proves nothing', async () => {
    vi.stubEnv('LATENT_CACHE_SIM', 'pace=0 world=selftest-plain');
    const report = await runSelftest({ device: 'sim:rtx-3060' });
    expect(failuresOf(report)).toEqual({});
    expect(report.verdict).toBe('simulated');
    for (const id of ['small.fp16.golden', 'full.fp16.golden', 'full.tf32.batch'])
      expect(checkOf(report, id)).toMatchObject({
        status: 'skip',
        message: 'a simulated GPU computes no latents',
      });
    for (const id of ['memory.drill', 'memory.returns', 'cancel', 'build', 'full.fp16.start'])
      expect(checkOf(report, id)?.status, id).toBe('pass');
  });

  it('fails where memory leaks', async () => {
    vi.stubEnv('LATENT_CACHE_SIM', 'pace=0 world=selftest-leak leak=1');
    const report = await runSelftest({ device: 'sim:rtx-3060', mode: 'quick' });
    expect(failuresOf(report)).toEqual({ 'memory.returns': 'SELFTEST_MEMORY_HELD' });
  });

  it('leaves out what needs the device when that is lost', async () => {
    vi.stubEnv('LATENT_CACHE_SIM', 'pace=0 world=selftest-lost lose_at_submit=2');
    const report = await runSelftest({ device: 'sim:rtx-3060', mode: 'quick' });
    expect(Object.values(failuresOf(report))).toEqual(['ERR_DEVICE_LOST']);
    expect(checkOf(report, 'build')).toMatchObject({ status: 'skip', message: 'the device was lost' });
  });

  it('begins no precision of the full VAE when its time is up', async () => {
    vi.stubEnv('LATENT_CACHE_SIM', 'pace=0 world=selftest-time');
    const report = await runSelftest({ device: 'sim:rtx-3060', minutes: 1e-9 });
    expect(checkOf(report, 'full.fp16')?.message).toContain('time is up');
    expect(checkOf(report, 'small.fp16.start')?.status).toBe('pass');
  });
});

describe('on a GPU in memory, whose latents are wrong', () => {
  it('fails every comparison and nothing else', async () => {
    const gpu = new FakeGpu();
    const binding = { ...loadBinding(), ...gpu.binding() };
    const seams = { compile: gpu.compile, plugins: ['/fake/liblatent_cache_trt10.so'] };
    const report = await runSelftest(
      { device: 'cuda:0', mode: 'quick', binding },
      {
        createEncoder: async (weights, options) => ({
          encoder: await createTensorrtEncoder(weights, options, seams),
          reason: 'asked for',
        }),
        readMemory: async () => ({ free: gpu.freeBytes - gpu.held, total: 12 * 2 ** 30 }),
      },
    );
    const precisions = ['fp16', 'fp32', 'bf16', 'tf32'];
    expect(Object.keys(failuresOf(report))).toEqual([
      ...precisions.map((name) => `small.${name}.golden`),
      ...FAMILIES,
    ]);
    expect(report.environment).toMatchObject({
      gpu: 'Fake RTX',
      computeCapability: '8.6',
      cudaDriver: '13.0',
    });
    expect(formatReport(report).length).toBeLessThanOrEqual(60);
  });
});

describe('a device that is not there', () => {
  it('fails by its code; what needs no device is tested all the same', async () => {
    const binding = Object.assign(Object.create(loadBinding()), {
      cudaMemGetInfo: async () => {
        throw new LatentCacheError('ERR_CUDA_DRIVER', 'no driver', { remedy: 'Install a driver.' });
      },
    });
    const report = await runSelftest({ device: 'cuda:0', mode: 'quick', binding });
    expect(failuresOf(report)).toEqual({ device: 'ERR_CUDA_DRIVER' });
    expect(report.remedy).toBe('Install a driver.');
    expect(checkOf(report, 'pixels.resize')?.status).toBe('pass');
  });

  it('is refused when it is none', async () => {
    const device = 'cuda:x' as `cuda:${number}`;
    expect((await errorOf(runSelftest({ device }))).code).toBe('ERR_OPTION');
  });
});

describe('what people publish', () => {
  it.each([
    [`cannot read ${homedir()}/My Photos/a.png`, 'cannot read …/a.png'],
    ['/opt/trt/lib/libnvinfer.so.10: no such file', '…/libnvinfer.so.10: no such file'],
    ["open '/home/anna/x/y.plan' failed", "open '…/y.plan' failed"],
    ['512/640 images, 3/4', '512/640 images, 3/4'],
  ])('has no paths: %s', (text, expected) => {
    expect(withoutPaths(text)).toBe(expected);
  });

  it('uses no code of the package for what the self-test alone finds', () => {
    expect(ERROR_CODES.filter((code) => code.startsWith('SELFTEST'))).toEqual([]);
  });
});

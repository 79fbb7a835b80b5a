/** Which CPU backend encodes, what is said about it, and what is refused. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CreateEncoderOptions, createEncoder } from '#dist/encoder/select.js';
import { LatentCacheError } from '#dist/errors.js';
import type { VaeEncoderWeights } from '#dist/model/load-vae.js';
import { scratchFolder } from './encoder-helpers.js';
import { FakeCpu } from './fake-cpu.js';
import { errorOf, seededWeights } from './tensorrt-helpers.js';

const scratch = scratchFolder();
let weights: VaeEncoderWeights;
beforeAll(async () => {
  weights = await seededWeights(scratch('.'));
});

/** A worker that says no more than that it runs, or that onnxruntime is missing. */
async function onnxruntime(answer: 'ready' | 'missing'): Promise<URL> {
  const reply =
    answer === 'ready'
      ? { kind: 'ready', runtime: 'onnxruntime 0' }
      : { kind: 'error', error: { code: 'ERR_BACKEND_MISSING', message: 'no onnxruntime', remedy: 'npm' } };
  const file = scratch(`${answer}.mjs`);
  await writeFile(
    file,
    `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ kind }) => {
      if (kind === 'load') parentPort.postMessage(${JSON.stringify(reply)});
      if (kind === 'dispose') parentPort.close();
    });`,
  );
  return pathToFileURL(file);
}

interface Machine {
  readonly cpu?: FakeCpu;
  readonly isBuilt?: boolean;
  readonly onnxruntime?: 'ready' | 'missing';
}

async function choose(options: CreateEncoderOptions, machine: Machine = {}) {
  const { cpu = new FakeCpu(), isBuilt = true } = machine;
  const { encoder, reason } = await createEncoder(
    weights,
    { threads: 3, binding: cpu.binding({ cudaStatus: noDriver }), ...options },
    {
      onednn: { plugins: isBuilt ? [path.join('/fake', 'liblatent_cache_onednn.so')] : [], nodes: [] },
      onnxruntime: { workerUrl: await onnxruntime(machine.onnxruntime ?? 'ready') },
    },
  );
  await encoder.dispose();
  return { runtime: encoder.info.runtime, precision: encoder.info.precision, reason };
}

async function noDriver(): Promise<never> {
  throw new LatentCacheError('ERR_CUDA_DRIVER', 'there is no driver');
}

const FP32_ALONE = 'fp32 is all that onnxruntime encodes in here';
const NOT_BUILT = 'no oneDNN: The oneDNN plug-in was not built with this package';

describe('the CPU', () => {
  it('asked for is oneDNN, in the precision that is told', async () => {
    expect(await choose({ backend: 'cpu' })).toEqual({
      runtime: 'oneDNN 3.0.0',
      precision: 'bf16x3',
      reason: 'asked for; bf16x3 is the fastest of float32 accuracy here',
    });
  });

  it('takes the accuracy that is asked for', async () => {
    expect((await choose({ backend: 'cpu', accuracy: 'bfloat16' })).precision).toBe('bf16');
  });

  it('is oneDNN where no GPU is', async () => {
    expect(await choose({})).toMatchObject({
      runtime: 'oneDNN 3.0.0',
      reason: 'no GPU: there is no driver; bf16x3 is the fastest of float32 accuracy here',
    });
  });

  it('is onnxruntime where the plug-in was not built', async () => {
    expect(await choose({ backend: 'cpu' }, { isBuilt: false })).toEqual({
      runtime: 'onnxruntime 0',
      precision: 'fp32',
      reason: `asked for; ${NOT_BUILT}; ${FP32_ALONE}`,
    });
  });

  it('is onnxruntime where the plug-in does not open', async () => {
    const cpu = new FakeCpu();
    cpu.fail('probe', 'ERR_BACKEND_MISSING');
    const { runtime, reason } = await choose({}, { cpu });
    expect(runtime).toBe('onnxruntime 0');
    expect(reason).toBe(
      'no GPU: there is no driver; no oneDNN: The oneDNN plug-in cannot be used: fault: ERR_BACKEND_MISSING; ' +
        FP32_ALONE,
    );
  });

  it('is not onnxruntime when memory is short', async () => {
    const error = await errorOf(choose({ backend: 'cpu', vramBudget: 1 }));
    expect(error.code).toBe('ERR_DEVICE_OUT_OF_MEMORY');
  });

  it('is not onnxruntime when oneDNN lacks the precision', async () => {
    const cpu = new FakeCpu({ precisions: ['fp32'] });
    const error = await errorOf(choose({ backend: 'cpu', precision: 'bf16' }, { cpu }));
    expect(error.message).toContain('AMX');
  });

  it('without any backend says why there is none', async () => {
    const machine = { isBuilt: false, onnxruntime: 'missing' } as const;
    const error = await errorOf(choose({}, machine));
    expect(error).toMatchObject({ code: 'ERR_BACKEND_MISSING', remedy: 'npm' });
    expect(error.message).toBe(`no onnxruntime (no GPU: there is no driver; ${NOT_BUILT})`);
  });
});

describe('by name', () => {
  it('onednn is used or fails', async () => {
    expect((await choose({ backend: 'onednn' })).runtime).toBe('oneDNN 3.0.0');
    const error = await errorOf(choose({ backend: 'onednn' }, { isBuilt: false }));
    expect(error.code).toBe('ERR_BACKEND_MISSING');
  });

  it('onnxruntime is used although oneDNN is there', async () => {
    expect(await choose({ backend: 'onnxruntime' })).toMatchObject({
      runtime: 'onnxruntime 0',
      reason: `asked for; ${FP32_ALONE}`,
    });
  });

  it.each(['bf16x3', 'fp16', 'tf32'] as const)('onnxruntime refuses %s', async (precision) => {
    const error = await errorOf(choose({ backend: 'onnxruntime', precision }));
    expect(error.code).toBe('ERR_OPTION');
  });

  it('onnxruntime takes fp32', async () => {
    expect((await choose({ backend: 'onnxruntime', precision: 'fp32' })).precision).toBe('fp32');
  });

  it("a precision of the GPU alone is refused where 'auto' finds none", async () => {
    expect((await errorOf(choose({ precision: 'fp16' }))).code).toBe('ERR_OPTION');
  });
});

/** How the CPU encoder behaves: batches, order, aborting, disposing, failing. Its numbers: encoder-golden.test.ts. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Encoder, ImageBatch } from '#dist/encoder/encoder.js';
import { createOnnxruntimeEncoder, type OnnxruntimeOptions } from '#dist/encoder/onnxruntime-encoder.js';
import { createEncoder } from '#dist/encoder/select.js';
import { LatentCacheError } from '#dist/errors.js';
import { loadVae, type VaeEncoderWeights } from '#dist/model/load-vae.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { largestDifference, SMALL, scratchFolder, seededImage } from './encoder-helpers.js';

const scratch = scratchFolder();
let weights: VaeEncoderWeights;
let encoder: Encoder;

beforeAll(async () => {
  await writeSeededVae(scratch('vae.safetensors'), { seed: 3, ...SMALL });
  weights = await loadVae(scratch('vae.safetensors'), { model: 'sdxl' });
  encoder = await createOnnxruntimeEncoder(weights);
});
afterAll(() => encoder.dispose());

const image = (seed: number, width = 64, height = 48): ImageBatch => ({
  images: [seededImage(seed, height, width)],
  width,
  height,
});

/** Takes long enough that the calls behind it are still waiting. */
const slow = (): ImageBatch => image(1, 512, 512);

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof LatentCacheError ? error.code : error),
  );

describe('batches', () => {
  it('give each image the moments that it has alone', async () => {
    const seeds = [4, 5, 6];
    const alone = await Promise.all(seeds.map((seed) => encoder.encodeBatch(image(seed))));
    const images = seeds.flatMap((seed) => image(seed).images);
    const together = await encoder.encodeBatch({ ...image(0), images });
    const joined = (part: 'mean' | 'logvar') =>
      Float32Array.from(alone.flatMap((moments) => [...moments[part]]));
    expect(largestDifference(together.mean, joined('mean'))).toBeLessThan(1e-5);
    expect(largestDifference(together.logvar, joined('logvar'))).toBeLessThan(1e-5);
  });

  it('say the shape of the latent', async () => {
    const { mean, count, channels, height, width } = await encoder.encodeBatch(image(4));
    expect([mean.length, count, channels, height, width]).toEqual([4 * 6 * 8, 1, 4, 6, 8]);
  });

  it('leave the pixels with the caller', async () => {
    const batch = image(4);
    await encoder.encodeBatch(batch);
    expect(batch.images).toEqual(image(4).images);
  });

  it('may lie in shared memory', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(64 * 48 * 3));
    shared.set(image(4).images[0]!);
    const { mean } = await encoder.encodeBatch({ ...image(4), images: [shared] });
    expect(mean).toEqual((await encoder.encodeBatch(image(4))).mean);
  });

  it('in flight are settled in order', async () => {
    const order: number[] = [];
    const sizes = [256, 64, 128, 8];
    await Promise.all(
      sizes.map((size) => encoder.encodeBatch(image(1, size, size)).then(() => order.push(size))),
    );
    expect(order).toEqual(sizes);
  });

  const wrong: [what: string, change: Partial<ImageBatch>][] = [
    ['no image', { images: [] }],
    ['a width that is no multiple of 8', { width: 60 }],
    ['height 0', { height: 0 }],
    ['a negative height', { height: -48 }],
    ['too few bytes', { images: [new Uint8Array(64 * 48 * 3 - 1)] }],
    ['too many bytes', { images: [new Uint8Array(64 * 48 * 4)] }],
    ['a second image of another size', { images: [new Uint8Array(64 * 48 * 3), new Uint8Array(3)] }],
    ['a list as pixels', { images: [[1, 2, 3] as unknown as Uint8Array] }],
    ['one array instead of a list', { images: new Uint8Array(64 * 48 * 3) as unknown as Uint8Array[] }],
  ];
  for (const [what, change] of wrong) {
    it(`with ${what} are refused`, async () => {
      expect(await codeOf(encoder.encodeBatch({ ...image(1), ...change }))).toBe('ERR_ARGUMENT');
    });
  }
});

describe('aborting', () => {
  it('before the call', async () => {
    expect(await codeOf(encoder.encodeBatch(image(1), { signal: AbortSignal.abort() }))).toBe('ERR_ABORTED');
  });

  it('a waiting call', async () => {
    const controller = new AbortController();
    const first = encoder.encodeBatch(slow());
    const waiting = codeOf(encoder.encodeBatch(image(2), { signal: controller.signal }));
    controller.abort();
    expect(await waiting).toBe('ERR_ABORTED');
    await first;
  });

  it('the running call', async () => {
    const controller = new AbortController();
    const running = codeOf(encoder.encodeBatch(slow(), { signal: controller.signal }));
    controller.abort();
    expect(await running).toBe('ERR_ABORTED');
  });

  it('leaves the other calls their own results', async () => {
    const controller = new AbortController();
    const expected = await encoder.encodeBatch(image(7));
    const dropped = [slow(), image(2)].map((batch) =>
      codeOf(encoder.encodeBatch(batch, { signal: controller.signal })),
    );
    const kept = encoder.encodeBatch(image(7));
    controller.abort();
    await Promise.all(dropped);
    expect((await kept).mean).toEqual(expected.mean);
  });

  it('after the call does nothing', async () => {
    const controller = new AbortController();
    const { count } = await encoder.encodeBatch(image(1), { signal: controller.signal });
    controller.abort();
    expect(count).toBe(1);
  });

  it('the start', async () => {
    const controller = new AbortController();
    const start = codeOf(createOnnxruntimeEncoder(weights, { signal: controller.signal }));
    controller.abort();
    expect(await start).toBe('ERR_ABORTED');
  });
});

describe('disposing', () => {
  it('settles running and waiting calls', async () => {
    const own = await createOnnxruntimeEncoder(weights);
    const calls = [slow(), image(1)].map((batch) => codeOf(own.encodeBatch(batch)));
    await own.dispose();
    expect(await Promise.all(calls)).toEqual(['ERR_ENCODER_DISPOSED', 'ERR_ENCODER_DISPOSED']);
  });

  it('refuses later calls', async () => {
    const own = await createOnnxruntimeEncoder(weights);
    await own.dispose();
    expect(await codeOf(own.encodeBatch(image(1)))).toBe('ERR_ENCODER_DISPOSED');
  });

  it('may be asked for twice', async () => {
    const own = await createOnnxruntimeEncoder(weights);
    await expect(Promise.all([own.dispose(), own.dispose()])).resolves.toEqual([undefined, undefined]);
  });
});

describe('the thread', () => {
  /** A worker that starts up as ours does and then does `onEncode`. */
  async function startFake(
    onEncode: string,
    onLoad = `reply({ kind: 'ready', runtime: 'fake' })`,
  ): Promise<Encoder> {
    const file = scratch(`worker-${onEncode.length}-${onLoad.length}.mjs`);
    const script = `
      import { parentPort } from 'node:worker_threads';
      const reply = (message) => parentPort.postMessage(message);
      parentPort.on('message', ({ kind }) => {
        if (kind === 'load') { ${onLoad}; }
        if (kind === 'encode') { ${onEncode}; }
        if (kind === 'dispose') parentPort.close();
      });`;
    await writeFile(file, script);
    return createOnnxruntimeEncoder(weights, {}, { workerUrl: pathToFileURL(file) });
  }

  for (const [what, script] of [
    ['throws', `throw new Error('broken')`],
    ['exits', 'process.exit(7)'],
    ['ends quietly', 'parentPort.close()'],
  ] as const) {
    it(`fails all calls when it ${what}`, async () => {
      const fake = await startFake(script);
      const calls = [image(1), image(2)].map((batch) => codeOf(fake.encodeBatch(batch)));
      expect(await Promise.all(calls)).toEqual(['ERR_ENCODER', 'ERR_ENCODER']);
    });

    it(`fails later calls after it ${what}`, async () => {
      const fake = await startFake(script);
      await codeOf(fake.encodeBatch(image(1)));
      expect(await codeOf(fake.encodeBatch(image(1)))).toBe('ERR_ENCODER');
    });

    it(`can be disposed of after it ${what}`, async () => {
      const fake = await startFake(script);
      await codeOf(fake.encodeBatch(image(1)));
      await expect(fake.dispose()).resolves.toBeUndefined();
    });

    it(`fails the start when it ${what} at once`, async () => {
      expect(await codeOf(startFake('', script))).toBe('ERR_ENCODER');
    });
  }

  it('says why it failed', async () => {
    const fake = await startFake(`throw new Error('broken')`);
    await expect(fake.encodeBatch(image(1))).rejects.toThrow('broken');
  });

  it('may fail one call and serve the next', async () => {
    const fake = await startFake(`
      globalThis.calls = (globalThis.calls ?? 0) + 1;
      if (globalThis.calls === 1) reply({ kind: 'error', error: { code: 'ERR_OUT_OF_MEMORY', message: 'too large' } });
      else reply({ kind: 'moments', mean: new Float32Array(192), logvar: new Float32Array(192) })`);
    const calls = [image(1), image(2)].map((batch) => codeOf(fake.encodeBatch(batch)));
    expect(await Promise.all(calls)).toEqual(['ERR_OUT_OF_MEMORY', 'fulfilled']);
    await fake.dispose();
  });
});

describe('starting', () => {
  it('names the package to install when onnxruntime-node is missing', async () => {
    const start = createOnnxruntimeEncoder(
      weights,
      {},
      { runtimeModule: 'onnxruntime-node-that-is-not-there' },
    );
    await expect(start).rejects.toMatchObject({
      code: 'ERR_BACKEND_MISSING',
      remedy: expect.stringContaining('npm install onnxruntime-node'),
    });
  });

  const wrong: OnnxruntimeOptions[] = [{ threads: 0 }, { threads: 1.5 }, { queryChunks: 0 }];
  for (const options of wrong) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      expect(await codeOf(createOnnxruntimeEncoder(weights, options))).toBe('ERR_OPTION');
    });
  }

  describe('with consumeWeights', () => {
    const ownWeights = () => loadVae(scratch('vae.safetensors'), { model: 'sdxl' });

    it('frees the tensors', async () => {
      const own = await ownWeights();
      await (await createOnnxruntimeEncoder(own, { consumeWeights: true })).dispose();
      expect([...own.tensors.values()].every(({ length }) => length === 0)).toBe(true);
    });

    it('encodes as without', async () => {
      const own = await createOnnxruntimeEncoder(await ownWeights(), { consumeWeights: true });
      const { mean } = await own.encodeBatch(image(4));
      await own.dispose();
      expect(mean).toEqual((await encoder.encodeBatch(image(4))).mean);
    });
  });

  it('leaves the weights alone by default', () => {
    expect([...weights.tensors.values()].every(({ length }) => length > 0)).toBe(true);
  });

  it('gives the CPU for auto and says why', async () => {
    const selected = await createEncoder(weights, { backend: 'auto', threads: 1 });
    await selected.encoder.dispose();
    expect([selected.encoder.info.backend, selected.encoder.info.device, selected.reason]).toEqual([
      'cpu',
      '1 thread',
      expect.stringMatching(/\w/),
    ]);
  });

  it('refuses an unknown backend', async () => {
    expect(await codeOf(createEncoder(weights, { backend: 'abacus' as 'cpu' }))).toBe('ERR_OPTION');
  });
});

describe('the process', () => {
  const run = promisify(execFile);

  /** Runs a script that has an `encoder`; a process that stays alive fails by the test's time limit. */
  async function output(script: string): Promise<string> {
    const url = (name: string) => JSON.stringify(new URL(`../dist/${name}`, import.meta.url).href);
    const source = `
      import { createOnnxruntimeEncoder } from ${url('encoder/onnxruntime-encoder.js')};
      import { loadVae } from ${url('model/load-vae.js')};
      const weights = await loadVae(${JSON.stringify(scratch('vae.safetensors'))}, { model: 'sdxl' });
      const encoder = await createOnnxruntimeEncoder(weights);
      const batch = { images: [new Uint8Array(64 * 64 * 3)], width: 64, height: 64 };
      ${script}`;
    // the flag must not reach the worker, which would not start with it
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', source]);
    return stdout.trim();
  }

  it('ends although an encoder was forgotten', async () => {
    expect(await output(`console.log('done')`)).toBe('done');
  });

  it('ends although a used encoder was forgotten', async () => {
    expect(await output(`await encoder.encodeBatch(batch); console.log('done')`)).toBe('done');
  });

  it('lives on while a call is pending', async () => {
    expect(await output(`encoder.encodeBatch(batch).then(({ mean }) => console.log(mean.length))`)).toBe(
      '256',
    );
  });
});

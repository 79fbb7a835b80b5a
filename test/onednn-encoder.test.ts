/** How the oneDNN encoder deals with precision, memory, several nodes, aborting and disposing; on a CPU in memory. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createOnednnEncoder, type OnednnOptions } from '#dist/encoder/onednn/create-encoder.js';
import type { OnednnEncoder } from '#dist/encoder/onednn/onednn-encoder.js';
import { LatentCacheError } from '#dist/errors.js';
import type { VaeEncoderWeights } from '#dist/model/load-vae.js';
import { scratchFolder } from './encoder-helpers.js';
import { arenaBytes, FakeCpu, WEIGHT_BYTES } from './fake-cpu.js';
import { batch, errorOf, seededWeights, shades } from './tensorrt-helpers.js';

const modelFolder = scratchFolder();
let weights: VaeEncoderWeights;
beforeAll(async () => {
  weights = await seededWeights(modelFolder('.'));
});

const TWO_NODES = [
  [0, 1],
  [2, 3],
];

function open(
  cpu: FakeCpu,
  options: Partial<OnednnOptions> = {},
  nodes: readonly (readonly number[])[] = [],
): Promise<OnednnEncoder> {
  const seams = { plugins: ['/fake/liblatent_cache_onednn.so'], nodes };
  return createOnednnEncoder(weights, { threads: 4, binding: cpu.binding(), ...options }, seams);
}

const budgetFor = (count: number, side: number) => WEIGHT_BYTES + arenaBytes(count, side);

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof LatentCacheError ? error.code : error),
  );

describe('the encoder', () => {
  it('says what it is', async () => {
    await using encoder = await open(new FakeCpu());
    expect(encoder.info).toEqual({
      backend: 'cpu',
      device: '4 threads',
      precision: 'bf16x3',
      latentChannels: 4,
      stride: 8,
      callsAtOnce: 2,
      preferredBatchSize: 1,
      runtime: 'oneDNN 3.0.0',
    });
  });

  it('opens one device with its threads, not bound', async () => {
    const cpu = new FakeCpu();
    await using _ = await open(cpu);
    const [{ options }] = cpu.devices as [FakeCpu['devices'][0]];
    expect(options).toEqual({
      plugin: '/fake/liblatent_cache_onednn.so',
      libraryFolders: [],
      device: 0,
      memoryBudget: 8e8,
      slots: 1,
      threads: 4,
    });
  });

  it('hands over the network with the last conv folded', async () => {
    const cpu = new FakeCpu();
    await using _ = await open(cpu);
    const { layers, tensors } = cpu.devices[0]!.network!;
    expect(layers.slice(-2).map(({ kind }) => kind)).toEqual(['conv', 'moments']);
    expect(layers.at(-3)!.kind).toBe('norm-silu');
    expect(tensors).not.toContain('quant_conv.weight');
  });

  it('gives each image its own moments, in order', async () => {
    await using encoder = await open(new FakeCpu());
    const moments = await encoder.encodeBatch(batch(64, [3, 1, 2]));
    expect(shades(moments)).toEqual([3, 1, 2]);
    const { count, channels, height, width } = moments;
    expect([count, channels, height, width, moments.mean.length]).toEqual([3, 4, 8, 8, 3 * 4 * 64]);
  });

  it('refuses a batch that is none', async () => {
    await using encoder = await open(new FakeCpu());
    expect(await codeOf(encoder.encodeBatch({ ...batch(64, [1]), width: 60 }))).toBe('ERR_ARGUMENT');
  });

  it('frees the weights when they may be consumed, and only then', async () => {
    const own = await seededWeights(modelFolder('.'), 2);
    const seams = { plugins: ['/p.so'], nodes: [] };
    const options = { binding: new FakeCpu().binding() };
    const bytes = () => [...own.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    await (await createOnednnEncoder(own, options, seams)).dispose();
    expect(bytes()).toBeGreaterThan(0);
    await (await createOnednnEncoder(own, { ...options, consumeWeights: true }, seams)).dispose();
    expect(bytes()).toBe(0);
  });
});

describe('opening fails', () => {
  it('with the way to get the plug-in where it was not built', async () => {
    const binding = new FakeCpu().binding();
    const error = await errorOf(createOnednnEncoder(weights, { binding }, { plugins: [], nodes: [] }));
    expect(error).toMatchObject({ code: 'ERR_BACKEND_MISSING' });
    expect(error.remedy).toContain('libdnnl-dev');
  });

  it('with the reason of a plug-in that does not open', async () => {
    const cpu = new FakeCpu();
    cpu.fail('probe', 'ERR_TENSORRT_MISSING');
    const error = await errorOf(open(cpu));
    expect(error.code).toBe('ERR_BACKEND_MISSING');
    expect(error.message).toContain('fault: ERR_TENSORRT_MISSING');
  });

  it('with the reason of a plug-in that takes no networks', async () => {
    const error = await errorOf(open(new FakeCpu({ precisions: [] })));
    expect(error).toMatchObject({ code: 'ERR_BACKEND_MISSING' });
    expect(error.message).toContain('takes no networks');
  });

  it('when it is aborted, with nothing left', async () => {
    const cpu = new FakeCpu();
    const controller = new AbortController();
    const binding = cpu.binding();
    const openDevice: typeof binding.openDevice = (options) => {
      controller.abort();
      return binding.openDevice(options);
    };
    const opening = open(cpu, { binding: { ...binding, openDevice }, signal: controller.signal });
    expect((await errorOf(opening)).code).toBe('ERR_ABORTED');
    expect(cpu.devices.map(({ isClosed }) => isClosed)).toEqual([true]);
  });

  it('when the second node does, with the first one closed', async () => {
    const cpu = new FakeCpu();
    cpu.fail('load 1', 'ERR_OUT_OF_MEMORY');
    expect((await errorOf(open(cpu, {}, TWO_NODES))).code).toBe('ERR_OUT_OF_MEMORY');
    expect(cpu.devices.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });

  it.each([
    ['a precision that this CPU lacks', { precision: 'bf16' }],
    ['one of the GPU', { precision: 'tf32' }],
    ['threads that are none', { threads: 0 }],
    ['a budget that is none', { vramBudget: -1 }],
    ['an accuracy that is none', { accuracy: 'float64' as 'float32' }],
  ] as const)('for %s', async (_, options) => {
    const error = await errorOf(open(new FakeCpu({ precisions: ['fp32'] }), options));
    expect(error.code).toBe('ERR_OPTION');
  });
});

describe('the precision', () => {
  it.each([
    [
      'auto',
      'float32',
      ['bf16', 'bf16x3', 'fp32'],
      'bf16x3',
      'bf16x3 is the fastest of float32 accuracy here',
    ],
    ['auto', 'float32', ['fp32', 'bf16x3', 'bf16'], 'fp32', 'fp32 is the fastest of float32 accuracy here'],
    ['auto', 'bfloat16', ['bf16', 'bf16x3', 'fp32'], 'bf16', 'bf16 is the fastest of bfloat16 accuracy here'],
    ['auto', 'bfloat16', ['fp32'], 'fp32', 'fp32 is the fastest of bfloat16 accuracy here'],
    ['bf16', 'float32', ['bf16', 'bf16x3', 'fp32'], 'bf16', null],
    ['fp32', 'bfloat16', ['bf16', 'bf16x3', 'fp32'], 'fp32', null],
  ] as const)('%s of accuracy %s among %j is %s', async (precision, accuracy, precisions, chosen, reason) => {
    const cpu = new FakeCpu({ precisions });
    await using encoder = await open(cpu, { precision, accuracy });
    expect(encoder.info.precision).toBe(chosen);
    expect(cpu.devices[0]!.network!.precision).toBe(chosen);
    expect(encoder.precisionReason).toBe(reason);
  });

  it('that is missing is refused with what it needs', async () => {
    const error = await errorOf(open(new FakeCpu({ precisions: ['fp32'] }), { precision: 'bf16x3' }));
    expect(error.message).toContain('AMX');
  });
});

describe('memory', () => {
  it.each([
    ['auto', 8e8],
    [3e8, 3e8],
    [9e9, 8e8],
    [{ fraction: 0.25 }, 5e8],
  ] as const)('budget %j of 1e9 free and 2e9 in all is %d', async (vramBudget, bytes) => {
    const cpu = new FakeCpu({ freeBytes: 1e9, totalBytes: 2e9 });
    await using _ = await open(cpu, { vramBudget });
    expect(cpu.devices[0]!.options.memoryBudget).toBe(bytes);
  });

  it('of the machine is what the device reads', async () => {
    await using encoder = await open(new FakeCpu({ freeBytes: 7e8, totalBytes: 9e8 }));
    expect(await encoder.memory.read()).toEqual({ free: 7e8, total: 9e8 });
  });

  it('limits no run beyond what the network takes', async () => {
    await using encoder = await open(new FakeCpu());
    expect(await encoder.memory.largestRun({ width: 64, height: 64 })).toBe(64);
    expect(await codeOf(encoder.memory.largestRun({ width: 60, height: 64 }))).toBe('ERR_ARGUMENT');
  });

  it('of a run is told exactly, before it', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu);
    const needs = await encoder.memory.needs({ width: 64, height: 64 }, 2);
    expect(needs).toMatchObject({ weightBytes: WEIGHT_BYTES, arenaBytes: arenaBytes(2, 64) });
    expect(cpu.devices[0]!.runs).toEqual([]);
  });

  it.each([
    [{ width: 60, height: 64 }, 1],
    [{ width: 64, height: 64 }, 0],
    [{ width: 64, height: 64 }, 65],
  ])('for %j, %d images is refused', async (size, count) => {
    await using encoder = await open(new FakeCpu());
    expect(await codeOf(encoder.memory.needs(size, count))).toBe('ERR_ARGUMENT');
  });

  it('that is short makes several runs of nearly equal size', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu, { vramBudget: budgetFor(5, 64) });
    const moments = await encoder.encodeBatch(batch(64, [1, 2, 3, 4, 5, 6, 7, 8]));
    expect(shades(moments)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(cpu.devices[0]!.runs).toEqual(['4x64', '4x64']);
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('for %d images at once is used for all of them', async (fit) => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu, { vramBudget: budgetFor(fit, 64) });
    await encoder.encodeBatch(
      batch(
        64,
        Array.from({ length: fit }, (_, index) => index),
      ),
    );
    expect(cpu.devices[0]!.runs).toEqual([`${fit}x64`]);
  });

  it('for less than one image is refused before any work', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu, { vramBudget: budgetFor(1, 64) - 1 });
    const error = await errorOf(encoder.encodeBatch(batch(64, [1])));
    expect(error).toMatchObject({
      code: 'ERR_DEVICE_OUT_OF_MEMORY',
      bytesAsked: arenaBytes(1, 64),
      bytesFree: arenaBytes(1, 64) - 1,
      remedy: expect.stringContaining('--vram-budget'),
    });
    expect(cpu.devices[0]!.runs).toEqual([]);
  });

  it('for smaller images is there after a refusal', async () => {
    await using encoder = await open(new FakeCpu(), { vramBudget: budgetFor(1, 64) });
    await codeOf(encoder.encodeBatch(batch(128, [1])));
    expect(shades(await encoder.encodeBatch(batch(64, [9])))).toEqual([9]);
  });

  it('for less than the weights fails the opening', async () => {
    const cpu = new FakeCpu();
    const error = await errorOf(open(cpu, { vramBudget: WEIGHT_BYTES - 1 }));
    expect(error).toMatchObject({
      code: 'ERR_DEVICE_OUT_OF_MEMORY',
      bytesAsked: WEIGHT_BYTES,
      bytesFree: WEIGHT_BYTES - 1,
      remedy: expect.stringContaining('--vram-budget'),
    });
    expect(cpu.devices[0]!.isClosed).toBe(true);
  });

  it('of a machine that is full fails the opening', async () => {
    const error = await errorOf(open(new FakeCpu({ freeBytes: 0 })));
    expect(error).toMatchObject({ code: 'ERR_DEVICE_OUT_OF_MEMORY', bytesFree: 0 });
  });

  it('that somebody else took in the meantime is an error with the remedy of a build', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu);
    cpu.fail('run 0', 'ERR_DEVICE_OUT_OF_MEMORY', { bytesAsked: 7, bytesFree: 5 });
    const error = await errorOf(encoder.encodeBatch(batch(64, [1])));
    expect(error).toMatchObject({
      bytesAsked: 7,
      bytesFree: 5,
      remedy: expect.stringContaining('--vram-budget'),
    });
  });

  it('of runs is given back by release, the weights stay', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu);
    await encoder.encodeBatch(batch(64, [1]));
    expect(cpu.heldBytes).toBe(WEIGHT_BYTES + arenaBytes(1, 64));
    await encoder.memory.release();
    expect(cpu.heldBytes).toBe(WEIGHT_BYTES);
  });
});

describe('two NUMA nodes', () => {
  it('count together what they hold, may hold and need', async () => {
    const cpu = new FakeCpu({ freeBytes: 1e9 });
    await using encoder = await open(cpu, {}, TWO_NODES);
    const needs = await encoder.memory.needs({ width: 64, height: 64 }, 1);
    expect(needs).toMatchObject({ weightBytes: 2 * WEIGHT_BYTES, arenaBytes: 2 * arenaBytes(1, 64) });
    expect(encoder.memory.budget).toBe(8e8);
    expect(encoder.memory.held()).toEqual({ used: 2 * WEIGHT_BYTES, peak: 2 * WEIGHT_BYTES });
  });

  it('get a device each, bound, with equal parts of the budget', async () => {
    const cpu = new FakeCpu({ freeBytes: 1e9 });
    await using encoder = await open(cpu, {}, TWO_NODES);
    const devices = cpu.devices.map(({ options }) => [
      options.threads,
      options.processors,
      options.memoryBudget,
    ]);
    expect(devices).toHaveLength(2);
    expect(devices).toEqual(
      expect.arrayContaining([
        [2, [0, 1], 4e8],
        [2, [2, 3], 4e8],
      ]),
    );
    expect(encoder.info).toMatchObject({ device: '4 threads on 2 NUMA nodes', callsAtOnce: 4 });
  });

  it('hold the weights once each', async () => {
    const cpu = new FakeCpu();
    await using _ = await open(cpu, {}, TWO_NODES);
    expect(cpu.heldBytes).toBe(2 * WEIGHT_BYTES);
  });

  it('get each call where the fewest images wait', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu, {}, TWO_NODES);
    const release = cpu.hold();
    const calls = [3, 1, 1, 1, 2].map((count) => encoder.encodeBatch(batch(64, Array(count).fill(count))));
    release();
    await Promise.all(calls);
    // 3 | 1, 1, 1 | then a tie
    expect(cpu.devices.map(({ runs }) => runs)).toEqual([
      ['3x64', '2x64'],
      ['1x64', '1x64', '1x64'],
    ]);
  });

  it('are free again when their images are done', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu, {}, TWO_NODES);
    await encoder.encodeBatch(batch(64, [1, 2, 3]));
    await encoder.encodeBatch(batch(64, [1]));
    expect(cpu.devices[0]!.runs).toEqual(['3x64', '1x64']);
  });

  it('are both closed in the end', async () => {
    const cpu = new FakeCpu();
    await (await open(cpu, {}, TWO_NODES)).dispose();
    expect(cpu.devices.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });
});

describe('aborting', () => {
  it('before the call', async () => {
    await using encoder = await open(new FakeCpu());
    const call = encoder.encodeBatch(batch(64, [1]), { signal: AbortSignal.abort() });
    expect(await codeOf(call)).toBe('ERR_ABORTED');
  });

  it('a waiting call ends at once, and its images are not computed', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu);
    const release = cpu.hold();
    const controller = new AbortController();
    const first = encoder.encodeBatch(batch(64, [1]));
    const waiting = encoder.encodeBatch(batch(128, [2]), { signal: controller.signal });
    controller.abort();
    expect(await codeOf(waiting)).toBe('ERR_ABORTED');
    release();
    expect(shades(await first)).toEqual([1]);
    expect(cpu.devices[0]!.runs).toEqual(['1x64']);
  });

  it('a call in pieces drops those that wait', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu, { vramBudget: budgetFor(1, 64) });
    const controller = new AbortController();
    const release = cpu.hold();
    const call = codeOf(encoder.encodeBatch(batch(64, [1, 2, 3]), { signal: controller.signal }));
    // the first piece computes
    await new Promise(setImmediate);
    controller.abort();
    release();
    expect(await call).toBe('ERR_ABORTED');
    expect(cpu.devices[0]!.runs).toEqual(['1x64']);
  });

  it('leaves the other calls their results', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu);
    const controller = new AbortController();
    const release = cpu.hold();
    const dropped = codeOf(encoder.encodeBatch(batch(64, [1]), { signal: controller.signal }));
    const kept = encoder.encodeBatch(batch(64, [2]));
    controller.abort();
    release();
    expect(await dropped).toBe('ERR_ABORTED');
    expect(shades(await kept)).toEqual([2]);
  });
});

describe('disposing', () => {
  it('settles running and waiting calls and frees everything', async () => {
    const cpu = new FakeCpu();
    const encoder = await open(cpu);
    const release = cpu.hold();
    const calls = [1, 2, 3].map((shade) => codeOf(encoder.encodeBatch(batch(64, [shade]))));
    const disposal = encoder.dispose();
    release();
    await disposal;
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['ERR_ENCODER_DISPOSED']));
    expect(cpu.heldBytes).toBe(0);
  });

  it('refuses later calls', async () => {
    const encoder = await open(new FakeCpu());
    await encoder.dispose();
    const later = [
      encoder.encodeBatch(batch(64, [1])),
      encoder.memory.needs({ width: 64, height: 64 }, 1),
      encoder.memory.release(),
      encoder.memory.read(),
    ];
    const codes = await Promise.all(later.map(codeOf));
    expect(new Set(codes)).toEqual(new Set(['ERR_ENCODER_DISPOSED']));
  });

  it('may be asked for twice', async () => {
    const encoder = await open(new FakeCpu());
    await expect(Promise.all([encoder.dispose(), encoder.dispose()])).resolves.toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('a run that fails', () => {
  it('fails its call, and the encoder stays usable', async () => {
    const cpu = new FakeCpu();
    await using encoder = await open(cpu);
    cpu.fail('run 0', 'ERR_ENCODER');
    const first = await codeOf(encoder.encodeBatch(batch(64, [1])));
    cpu.fail('run 0', 'ERR_OUT_OF_MEMORY');
    const second = await codeOf(encoder.encodeBatch(batch(64, [1])));
    expect([first, second]).toEqual(['ERR_ENCODER', 'ERR_OUT_OF_MEMORY']);
  });
});

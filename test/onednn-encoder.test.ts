/** How the oneDNN encoder deals with opening, precision, aborting and disposing; on a CPU in memory. */
import { describe, expect, it } from 'vitest';
import { createOnednnEncoder } from '#dist/encoder/onednn/create-encoder.js';
import { scratchFolder } from './encoder-helpers.js';
import { FakeCpu } from './fake-cpu.js';
import { budgetFor, codeOf, TWO_NODES, useOnednn } from './onednn-helpers.js';
import { batch, errorOf, seededWeights, shades } from './tensorrt-helpers.js';

const { open, weights } = useOnednn();
const modelFolder = scratchFolder();

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
    const error = await errorOf(createOnednnEncoder(weights(), { binding }, { plugins: [], nodes: [] }));
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

/** How the oneDNN encoder deals with memory, on one device and on several NUMA nodes; on a CPU in memory. */
import { describe, expect, it } from 'vitest';
import { arenaBytes, FakeCpu, WEIGHT_BYTES } from './fake-cpu.js';
import { budgetFor, codeOf, TWO_NODES, useOnednn } from './onednn-helpers.js';
import { batch, errorOf, shades } from './tensorrt-helpers.js';

const { open } = useOnednn();

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

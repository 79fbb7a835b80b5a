import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import type { NativeDevice, NetworkPrecision } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { useScratchFolder } from './build-helpers.js';
import {
  HEIGHT,
  NOTHING_LEFT,
  openToy,
  ROW,
  toyCounters,
  toyImage,
  toyPlugin,
  WIDTH,
  writePlan,
} from './toy-device.js';
import { BIAS, type ToyNetwork, toyNetwork, WEIGHT_BYTES } from './toy-network.js';

const folder = useScratchFolder();
let opened: NativeDevice[] = [];

async function open(toy = '', options = {}): Promise<NativeDevice> {
  const device = await openToy(toy, options);
  opened.push(device);
  return device;
}

function load(
  device: NativeDevice,
  { layers, tensors }: ToyNetwork = toyNetwork(),
  precision: NetworkPrecision = 'fp32',
) {
  return device.loadNetwork(layers, tensors, precision);
}

/** 'layers[1].conv.stride' of the network becomes `value`. */
function change(network: ToyNetwork, field: string, value: unknown): void {
  const keys = field.match(/\w+/g)!;
  const last = keys.pop()!;
  // biome-ignore lint/suspicious/noExplicitAny: walks whatever the name says
  const owner = keys.reduce<any>((object, key) => object[key], network);
  owner[last] = value;
}

const refusal = (name: string) =>
  expect.objectContaining({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(` for ${name} but got `),
  });

afterEach(async () => {
  await Promise.all(opened.map((device) => device.close()));
  opened = [];
  expect(toyCounters()).toMatchObject(NOTHING_LEFT);
});

describe('loadNetwork', () => {
  it('hands over every tensor', async () => {
    const device = await open();
    expect(await load(device)).toMatchObject({ weightBytes: WEIGHT_BYTES });
    expect(device.counters()).toMatchObject({ enginesLoaded: 1, memoryUsed: WEIGHT_BYTES });
  });

  it('gives an engine that takes what the downsample layers halve', async () => {
    const device = await open();
    const { id, minimum } = await load(device);
    expect(minimum).toEqual({ count: 1, height: 2, width: 2 });
    expect(await device.memoryFor(id, { count: 1, height: 6, width: 10 })).toMatchObject({
      inputBytes: 6 * 10 * 3,
      outputBytes: 4 * 3 * 5 * 4,
    });
    await expect(device.memoryFor(id, { count: 1, height: 6, width: 9 })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
  });

  it('gives an engine that encodes with the values of the tensors', async () => {
    const device = await open();
    const { id } = await load(device);
    const image = toyImage(3);
    const output = new Float32Array(4 * (HEIGHT / 2) * (WIDTH / 2));
    await device.encode(1, id, [image], HEIGHT, WIDTH, output);
    const firstPixel = [0, 1, 2, 0].map((source, channel) => image[source]! + BIAS[channel]!);
    const plane = output.length / 4;
    expect([0, 1, 2, 3].map((channel) => output[channel * plane])).toEqual(firstPixel);
  });

  it('takes layers without moments at the end', async () => {
    const { layers, tensors } = toyNetwork();
    const { weightBytes } = await load(await open(), { layers: layers.slice(0, -1), tensors });
    expect(weightBytes).toBe(WEIGHT_BYTES);
  });

  it('keeps the tensors alive until it settles', async () => {
    const device = await open('run_ms=300');
    const plan = await device.loadEngine(writePlan(folder()));
    const running = device.encode(1, plan.id, [toyImage(1)], HEIGHT, WIDTH, new Float32Array(ROW));
    const network = toyNetwork();
    const tensors = [...network.tensors.values()].map((tensor) => new WeakRef(tensor));
    const loaded = load(device, network);
    network.tensors.clear();
    // the next turn: a WeakRef holds what it was made with until then
    await sleep(0);
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    expect(device.counters().enginesLoaded).toBe(1);
    expect(tensors.filter((tensor) => tensor.deref() === undefined)).toEqual([]);
    await Promise.all([running, loaded]);
  });

  it('rejects a precision that the back-end does not compute in', async () => {
    await expect(load(await open(), toyNetwork(), 'bf16')).rejects.toMatchObject({
      code: 'ERR_OPTION',
      op: 'toyNetwork',
    });
  });

  it('rejects with byte counts when the budget does not suffice', async () => {
    const device = await open('', { memoryBudget: WEIGHT_BYTES - 1 });
    await expect(load(device)).rejects.toMatchObject({
      code: 'ERR_DEVICE_OUT_OF_MEMORY',
      bytesAsked: WEIGHT_BYTES,
      bytesFree: WEIGHT_BYTES - 1,
    });
  });

  it('rejects on a closed device', async () => {
    const device = await open();
    await device.close();
    await expect(load(device)).rejects.toMatchObject({ code: 'ERR_ENCODER_DISPOSED' });
  });
});

describe('layers that are refused', () => {
  it.each<[string, unknown]>([
    ['layers', undefined],
    ['layers', []],
    ['layers', toyNetwork().layers.slice(7)],
    ['layers', toyNetwork().layers.slice(0, 6)],
    ['layers[0]', null],
    ['layers[0].kind', 'pool'],
    ['layers[0].kind', 'moments'],
    ['layers[0].conv', undefined],
    ['layers[0].conv.name', 7],
    ['layers[0].conv.inputs', 4],
    ['layers[0].conv.outputs', 0],
    ['layers[0].conv.kernel', 2],
    ['layers[0].conv.kernel', 5],
    ['layers[0].conv.stride', 2],
    ['layers[0].conv.padding', [1, 1, 1]],
    ['layers[0].conv.padding', [0, 1, 1, 1]],
    ['layers[0].conv.padding', [2, 1, 1, 1]],
    ['layers[0].conv.padding[3]', 0.5],
    ['layers[1].norm1.channels', 16],
    ['layers[1].norm1.groups', 3],
    ['layers[1].norm1.epsilon', 0],
    ['layers[1].conv1.inputs', 16],
    ['layers[1].norm2.channels', 8],
    ['layers[1].conv2.inputs', 8],
    ['layers[1].shortcut', undefined],
    ['layers[1].shortcut.inputs', 16],
    ['layers[1].shortcut.outputs', 8],
    ['layers[2].conv.inputs', 8],
    ['layers[2].conv.stride', 1],
    ['layers[2].conv.padding', [0, 0, 0, 0]],
    ['layers[3].norm.channels', 8],
    ['layers[3].query.inputs', 8],
    ['layers[3].key.outputs', 8],
    ['layers[3].value.inputs', 8],
    ['layers[3].output.outputs', 8],
    ['layers[3].scale', Number.NaN],
    ['layers[4].conv2.outputs', 8],
    ['layers[5].norm.channels', 8],
    ['layers[6].conv.inputs', 8],
  ])('%s: %j', async (field, value) => {
    const device = await open();
    const network = toyNetwork();
    change(network, field, value);
    expect(() => load(device, network)).toThrow(refusal(field));
  });
});

describe('tensors that are refused', () => {
  it.each([undefined, {}, []])('%j instead of a Map', async (tensors) => {
    const device = await open();
    expect(() => load(device, { ...toyNetwork(), tensors: tensors as never })).toThrow(refusal('tensors'));
  });

  it.each([
    'in.weight',
    'first.norm1.weight',
    'first.shortcut.bias',
    'attention.key.bias',
    'norm.bias',
  ])('a missing %s', async (name) => {
    const device = await open();
    const network = toyNetwork();
    network.tensors.delete(name);
    expect(() => load(device, network)).toThrow(refusal(`the tensor ${name}`));
  });

  it.each([
    ['one element too few', new Float32Array(2303)],
    ['one too many', new Float32Array(2305)],
    ['another type', new Float64Array(2304)],
  ])('%s', async (_, values) => {
    const device = await open();
    const network = toyNetwork();
    network.tensors.set('second.conv1.weight', values as Float32Array);
    expect(() => load(device, network)).toThrow(refusal('the tensor second.conv1.weight'));
  });
});

it.each(['fp16', 0, undefined])('refuses the precision %j', async (precision) => {
  const device = await open();
  const { layers, tensors } = toyNetwork();
  expect(() => device.loadNetwork(layers, tensors, precision as never)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining('precision') }),
  );
});

describe('backendMemory', () => {
  const { backendMemory } = loadBinding();
  const options = { plugin: toyPlugin, libraryFolders: [] };

  it('is what the plug-in says', async () => {
    process.env.LC_TOY = 'capacity=5000,device_free=300';
    expect(await backendMemory(options, 0)).toEqual({ free: 300, total: 5000 });
  });

  it('rejects for a device that is not there', async () => {
    await expect(backendMemory(options, 1)).rejects.toMatchObject({ code: 'ERR_NO_DEVICE' });
  });

  it('rejects for a plug-in that is not there', async () => {
    const plugin = `${folder()}/none.so`;
    await expect(backendMemory({ ...options, plugin }, 0)).rejects.toMatchObject({
      code: 'ERR_BACKEND_MISSING',
    });
  });

  it('refuses a wrong device', () => {
    expect(() => backendMemory(options, -1)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining('device') }),
    );
  });
});

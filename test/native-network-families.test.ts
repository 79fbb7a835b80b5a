/** loadNetwork with the layers of every family, on the toy back-end: what is taken and what is refused. */
import { afterEach, describe, expect, it } from 'vitest';
import type { NativeDevice } from '#dist/native/binding.js';
import {
  conv,
  groupNorm,
  moments,
  rms,
  seededTensors,
  type Tensors,
  type TestLayer,
} from './reference-layers.js';
import { NOTHING_LEFT, openToy, toyCounters } from './toy-device.js';

interface Network {
  readonly layers: TestLayer[];
  readonly tensors: Tensors;
}

/** Indices of layers are those in the names of errors: 0 pixels, 1 in, 2 block, 3 half, 4 depth, 5 last, 6 moments. */
function network(): Network {
  const block = (number: number) => conv(`block.${number}`, 8, 8);
  const layers: TestLayer[] = [
    { kind: 'pixels', range: 'unit' },
    { kind: 'conv', conv: conv('in', 3, 8) },
    { kind: 'relu-block', name: 'block', convs: [block(0), block(1), block(2)] },
    { kind: 'downsample', conv: conv('half', 8, 8, { stride: 2, bias: false }) },
    { kind: 'space-to-depth', name: 'depth', conv: conv('depth', 8, 4), inputs: 8, outputs: 16 },
    { kind: 'norm-conv-mean', norm: rms('norm', 16), conv: conv('out', 16, 4), group: 4, meanScale: 1 },
    moments(4),
  ];
  return { layers, tensors: seededTensors(layers) };
}

/** Counted by hand: in, block, half without bias, depth, norm without bias, out. */
const WEIGHT_BYTES = 4 * (224 + 3 * 584 + 576 + 292 + 16 + 580);

/** 'layers[1].conv.stride' of the network becomes `value`. */
function change(changed: Network, field: string, value: unknown): void {
  const keys = field.match(/\w+/g)!;
  const last = keys.pop()!;
  // biome-ignore lint/suspicious/noExplicitAny: walks whatever the name says
  const owner = keys.reduce<any>((object, key) => object[key], changed);
  owner[last] = value;
}

let device: NativeDevice | undefined;
afterEach(async () => {
  await device?.close();
  expect(toyCounters()).toMatchObject(NOTHING_LEFT);
});

async function load({ layers, tensors }: Network) {
  device = await openToy();
  return device.loadNetwork(layers as never, tensors, 'fp32');
}

describe('layers of every family', () => {
  it('hand over every tensor', async () => {
    expect(await load(network())).toMatchObject({ weightBytes: WEIGHT_BYTES });
  });

  it('downsample and space-to-depth halve the sides', async () => {
    expect((await load(network())).minimum).toEqual({ count: 1, height: 4, width: 4 });
  });

  it('a norm of groups that says its kind is taken', async () => {
    const { layers, tensors } = network();
    const last = { ...layers[5]!, norm: groupNorm('norm', 16) } as TestLayer;
    tensors.set('norm.bias', new Float32Array(16));
    const { weightBytes } = await load({ layers: [...layers.slice(0, 5), last, moments(4)], tensors });
    expect(weightBytes).toBe(WEIGHT_BYTES + 4 * 16);
  });
});

describe('what is refused', () => {
  it.each<[string, unknown]>([
    ['layers[0].range', 'half'],
    ['layers[1].kind', 'pixels'],
    ['layers[1].conv.bias', 1],
    ['layers[2].convs', []],
    ['layers[2].convs[1].inputs', 4],
    ['layers[2].convs[2].outputs', 4],
    ['layers[3].conv.padding', [0, 0, 1, 0]],
    ['layers[4].inputs', 4],
    ['layers[4].outputs', 8],
    ['layers[4].conv.inputs', 16],
    ['layers[4].conv.outputs', 3],
    ['layers[5].norm.kind', 'layer'],
    ['layers[5].norm.channels', 8],
    ['layers[5].norm.epsilon', 0],
    ['layers[5].conv.outputs', 5],
    ['layers[5].group', 2],
    ['layers[5].meanScale', Number.NaN],
  ])('%s: %j', async (field, value) => {
    const changed = network();
    change(changed, field, value);
    await expect(load(changed)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(` for ${field} but got `),
    });
  });

  it('a bias that is missing and not said to be', async () => {
    const changed = network();
    change(changed, 'layers[3].conv.bias', true);
    await expect(load(changed)).rejects.toMatchObject({ message: expect.stringContaining('half.bias') });
  });
});

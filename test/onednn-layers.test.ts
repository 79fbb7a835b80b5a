/** Each kind of layer through the addon and the oneDNN plug-in, against plain loops in float64. */
import { afterEach, describe, expect, it } from 'vitest';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import type { NativeDevice, NetworkPrecision } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import {
  conv,
  groupNorm,
  moments,
  referenceOutput,
  rms,
  seededTensors,
  type TestLayer,
} from './reference-layers.js';

const [plugin] = findPlugins(['liblatent_cache_onednn.so']);
const available = plugin ? (await loadBinding().probeBackend({ plugin, libraryFolders: [] })).precisions : [];

const OUTPUTS = 8;
const HEIGHT = 16;
const WIDTH = 24;
const IMAGES = [1, 2].map((seed) =>
  Uint8Array.from({ length: HEIGHT * WIDTH * 3 }, (_, i) => (i * (7 + 6 * seed) + (i >> 3) * 31) % 256),
);

/** In deviations of the output: sums of some hundred products, a few of them in a row. */
const LIMITS = { fp32: 1e-5, bf16x3: 1e-5, bf16: 0.06 } as const;

const first: TestLayer = { kind: 'conv', conv: conv('in', 3, 32) };
const last: TestLayer[] = [{ kind: 'conv', conv: conv('out', 32, OUTPUTS) }, moments(OUTPUTS)];
const signed: TestLayer = { kind: 'pixels', range: 'signed' };

function residual(name: string, inputs: number, outputs: number, norm: typeof rms): TestLayer {
  return {
    kind: 'residual',
    name,
    norm1: norm(`${name}.norm1`, inputs),
    conv1: conv(`${name}.conv1`, inputs, outputs),
    norm2: norm(`${name}.norm2`, outputs),
    conv2: conv(`${name}.conv2`, outputs, outputs),
    shortcut: inputs === outputs ? null : conv(`${name}.shortcut`, inputs, outputs, { kernel: 1 }),
  };
}

function attention(channels: number, norm: typeof rms): TestLayer {
  const pointwise = (name: string) => conv(name, channels, channels, { kernel: 1 });
  return {
    kind: 'attention',
    name: 'attention',
    norm: norm('attention.norm', channels),
    query: pointwise('attention.query'),
    key: pointwise('attention.key'),
    value: pointwise('attention.value'),
    output: pointwise('attention.output'),
    scale: 1 / Math.sqrt(channels),
  };
}

function spaceToDepth(inputs: number, outputs: number): TestLayer {
  return { kind: 'space-to-depth', name: 'depth', conv: conv('depth', inputs, outputs / 4), inputs, outputs };
}

function reluBlock(name: string): TestLayer {
  const one = (number: number) => conv(`${name}.${number}`, 32, 32);
  return { kind: 'relu-block', name, convs: [one(0), one(1), one(2)] };
}

const normConvMean: TestLayer = {
  kind: 'norm-conv-mean',
  norm: groupNorm('norm', 32),
  conv: conv('out', 32, OUTPUTS),
  group: 4,
  meanScale: 1,
};

const NETWORKS: Record<string, TestLayer[]> = {
  'an RMS norm before the last conv': [signed, first, { kind: 'norm-silu', norm: rms('norm', 32) }, ...last],
  'a residual block with RMS norms': [signed, first, residual('block', 32, 32, rms), ...last],
  'one that changes the channels': [
    signed,
    { kind: 'conv', conv: conv('in', 3, 48) },
    residual('block', 48, 32, rms),
    ...last,
  ],
  'an attention with an RMS norm': [signed, first, attention(32, rms), ...last],
  'norms of groups': [
    signed,
    first,
    residual('block', 32, 32, groupNorm),
    attention(32, groupNorm),
    { kind: 'norm-silu', norm: groupNorm('norm', 32) },
    ...last,
  ],
  'space-to-depth with means of two channels': [
    signed,
    { kind: 'conv', conv: conv('in', 3, 16) },
    spaceToDepth(16, 32),
    ...last,
  ],
  'space-to-depth with means of four channels': [signed, first, spaceToDepth(32, 32), ...last],
  'a norm of groups behind space-to-depth': [
    signed,
    first,
    spaceToDepth(32, 32),
    { kind: 'norm-silu', norm: groupNorm('norm', 32) },
    ...last,
  ],
  'means beside the last conv': [signed, first, normConvMean, moments(OUTPUTS)],
  'means with a scale': [signed, first, { ...normConvMean, meanScale: 4 }, moments(OUTPUTS)],
  'pixels in 0…1': [{ kind: 'pixels', range: 'unit' }, first, ...last],
  'a ReLU block': [signed, first, reluBlock('block'), ...last],
  'a conv without bias that halves with zeros all around': [
    signed,
    first,
    { kind: 'downsample', conv: conv('half', 32, 32, { stride: 2, bias: false }) },
    ...last,
  ],
  'convs behind each other': [
    signed,
    { kind: 'conv', conv: conv('in', 3, 16) },
    { kind: 'conv', conv: conv('middle', 16, 32) },
    ...last,
  ],
};

let device: NativeDevice | undefined;
afterEach(async () => {
  await device?.close();
  device = undefined;
});

async function run(layers: readonly TestLayer[], precision: NetworkPrecision): Promise<Float32Array> {
  const options = { plugin: plugin!, libraryFolders: [], device: 0, memoryBudget: 2 ** 28, slots: 1 };
  device = await loadBinding().openDevice({ ...options, threads: 2 });
  const { id } = await device.loadNetwork(layers as never, seededTensors(layers), precision);
  const { outputBytes } = await device.memoryFor(id, { count: IMAGES.length, height: HEIGHT, width: WIDTH });
  const output = new Float32Array(outputBytes / 4);
  await device.encode(1, id, IMAGES, HEIGHT, WIDTH, output);
  return output;
}

const expectations = new Map<readonly TestLayer[], readonly number[]>();

/** The same in every precision, and slow. */
function expectedOf(layers: readonly TestLayer[]): readonly number[] {
  const known = expectations.get(layers);
  if (known !== undefined) return known;
  const tensors = seededTensors(layers);
  const expected = IMAGES.flatMap((image) => [...referenceOutput(layers, tensors, image, HEIGHT, WIDTH)]);
  expectations.set(layers, expected);
  return expected;
}

/** The largest difference, in deviations of what is expected. */
function distance(actual: Float32Array, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const mean = expected.reduce((total, value) => total + value, 0) / expected.length;
  const variance = expected.reduce((total, value) => total + (value - mean) ** 2, 0) / expected.length;
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value))) / Math.sqrt(variance);
}

describe.each(['fp32', 'bf16x3', 'bf16'] as const)('in %s', (precision) => {
  const isThere = available.includes(precision);
  const label = isThere ? '' : ` (this machine has ${available.join(', ') || 'no oneDNN plug-in'})`;
  for (const [name, layers] of Object.entries(NETWORKS)) {
    it.skipIf(!isThere)(`${name}${label}`, async () => {
      expect(distance(await run(layers, precision), expectedOf(layers))).toBeLessThanOrEqual(
        LIMITS[precision],
      );
    });
  }
});

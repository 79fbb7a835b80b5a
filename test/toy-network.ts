import { type ConvSpec, type Layer, type NormSpec, tensorsOf } from '#dist/model/layers.js';

/** A network with each kind of layer, 4 channels at half the size, and its tensors. */
export interface ToyNetwork {
  readonly layers: Layer[];
  readonly tensors: Map<string, Float32Array>;
}

/** Bytes of all tensors, counted by hand: in, first, down, attention, second, norm, out. */
export const WEIGHT_BYTES = 4 * (224 + 3680 + 2320 + 1120 + 4704 + 32 + 68);

export const BIAS = [10, 20, 30, 40];

function conv(name: string, inputs: number, outputs: number, kernel: 1 | 3 = 3): ConvSpec {
  const zeros = kernel === 3 ? 1 : 0;
  return { name, inputs, outputs, kernel, stride: 1, padding: [zeros, zeros, zeros, zeros], bias: true };
}

function norm(name: string, channels: number): NormSpec {
  return { kind: 'group', name, channels, groups: 4, epsilon: 1e-6 };
}

function residual(name: string, inputs: number, outputs: number): Layer {
  return {
    kind: 'residual',
    name,
    norm1: norm(`${name}.norm1`, inputs),
    conv1: conv(`${name}.conv1`, inputs, outputs),
    norm2: norm(`${name}.norm2`, outputs),
    conv2: conv(`${name}.conv2`, outputs, outputs),
    shortcut: inputs === outputs ? null : conv(`${name}.shortcut`, inputs, outputs, 1),
  };
}

/** Indices of layers are those in the names of errors: 0 in, 1 first, 2 down, 3 attention, 4 second, 5 norm, 6 out. */
export function toyNetwork(): ToyNetwork {
  const layers: Layer[] = [
    { kind: 'conv', conv: conv('in', 3, 8) },
    residual('first', 8, 16),
    { kind: 'downsample', conv: { ...conv('down', 16, 16), stride: 2, padding: [0, 0, 1, 1] } },
    {
      kind: 'attention',
      name: 'attention',
      norm: norm('attention.norm', 16),
      query: conv('attention.query', 16, 16, 1),
      key: conv('attention.key', 16, 16, 1),
      value: conv('attention.value', 16, 16, 1),
      output: conv('attention.output', 16, 16, 1),
      scale: 0.25,
    },
    residual('second', 16, 16),
    { kind: 'norm-silu', norm: norm('norm', 16) },
    { kind: 'conv', conv: conv('out', 16, 4, 1) },
    { kind: 'moments', channels: 2, logvarMinimum: -30, logvarMaximum: 20 },
  ];
  const tensors = new Map(
    tensorsOf(layers).map(({ name, shape }) => [
      name,
      new Float32Array(shape.reduce((product, size) => product * size, 1)),
    ]),
  );
  tensors.set('out.bias', Float32Array.from(BIAS));
  return { layers, tensors };
}

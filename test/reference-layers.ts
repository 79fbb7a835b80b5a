/** What layers compute, in plain loops over float64, and small networks of them with seeded weights. */

export interface Conv {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  readonly padding: readonly [top: number, left: number, bottom: number, right: number];
  readonly bias: boolean;
}

export type Norm =
  | { kind: 'group'; name: string; channels: number; groups: number; epsilon: number }
  | { kind: 'rms'; name: string; channels: number; epsilon: number };

export type TestLayer =
  | { kind: 'pixels'; range: 'signed' | 'unit' }
  | { kind: 'conv' | 'downsample'; conv: Conv }
  | { kind: 'norm-silu'; norm: Norm }
  | {
      kind: 'residual';
      name: string;
      norm1: Norm;
      conv1: Conv;
      norm2: Norm;
      conv2: Conv;
      shortcut: Conv | null;
    }
  | {
      kind: 'attention';
      name: string;
      norm: Norm;
      query: Conv;
      key: Conv;
      value: Conv;
      output: Conv;
      scale: number;
    }
  | { kind: 'space-to-depth'; name: string; conv: Conv; inputs: number; outputs: number }
  | { kind: 'norm-conv-mean'; norm: Norm; conv: Conv; group: number; meanScale: number }
  | { kind: 'relu-block'; name: string; convs: [Conv, Conv, Conv] }
  | { kind: 'moments'; channels: number; logvarMinimum: number; logvarMaximum: number };

export type Tensors = Map<string, Float32Array>;

export function conv(name: string, inputs: number, outputs: number, options: Partial<Conv> = {}): Conv {
  const kernel = options.kernel ?? 3;
  const zeros = kernel === 3 ? 1 : 0;
  return {
    name,
    inputs,
    outputs,
    kernel,
    stride: 1,
    padding: [zeros, zeros, zeros, zeros],
    bias: true,
    ...options,
  };
}

export const rms = (name: string, channels: number): Norm => ({
  kind: 'rms',
  name,
  channels,
  epsilon: 1e-12,
});

export const groupNorm = (name: string, channels: number): Norm => ({
  kind: 'group',
  name,
  channels,
  groups: 8,
  epsilon: 1e-6,
});

export function moments(outputs: number): TestLayer {
  return { kind: 'moments', channels: outputs / 2, logvarMinimum: -30, logvarMaximum: 20 };
}

/** Numbers of about −1 to 1: mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), 61 | bits);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** Weights that keep the size of what they meet. */
export function seededTensors(layers: readonly TestLayer[], seed = 1): Tensors {
  const random = generator(seed);
  const tensors: Tensors = new Map();
  const fill = (name: string, count: number, mean: number, spread: number) =>
    tensors.set(
      name,
      Float32Array.from({ length: count }, () => mean + spread * random()),
    );
  for (const spec of layers.flatMap(partsOf)) {
    if ('kernel' in spec) {
      const inner = spec.inputs * spec.kernel ** 2;
      fill(`${spec.name}.weight`, spec.outputs * inner, 0, Math.sqrt(3 / inner));
      if (spec.bias) fill(`${spec.name}.bias`, spec.outputs, 0, 0.2);
    } else {
      fill(`${spec.name}.weight`, spec.channels, 1, 0.3);
      if (spec.kind === 'group') fill(`${spec.name}.bias`, spec.channels, 0, 0.3);
    }
  }
  return tensors;
}

function partsOf(layer: TestLayer): (Conv | Norm)[] {
  switch (layer.kind) {
    case 'conv':
    case 'downsample':
    case 'space-to-depth':
      return [layer.conv];
    case 'norm-silu':
      return [layer.norm];
    case 'residual':
      return [
        layer.norm1,
        layer.conv1,
        layer.norm2,
        layer.conv2,
        ...(layer.shortcut ? [layer.shortcut] : []),
      ];
    case 'attention':
      return [layer.norm, layer.query, layer.key, layer.value, layer.output];
    case 'norm-conv-mean':
      return [layer.norm, layer.conv];
    case 'relu-block':
      return layer.convs;
    case 'pixels':
    case 'moments':
      return [];
  }
}

/** Of one image: (channels, height, width). */
interface FeatureMap {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly values: Float64Array;
}

function mapOf(
  channels: number,
  height: number,
  width: number,
  valueAt: (channel: number, y: number, x: number) => number,
): FeatureMap {
  const values = new Float64Array(channels * height * width);
  let place = 0;
  for (let channel = 0; channel < channels; channel++)
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) values[place++] = valueAt(channel, y, x);
  return { channels, height, width, values };
}

/** Zero beyond the map. */
function at(map: FeatureMap, channel: number, y: number, x: number): number {
  if (y < 0 || y >= map.height || x < 0 || x >= map.width) return 0;
  return map.values[(channel * map.height + y) * map.width + x]!;
}

const mapped = (map: FeatureMap, change: (value: number) => number): FeatureMap => ({
  ...map,
  values: map.values.map(change),
});

const silu = (map: FeatureMap) => mapped(map, (x) => x / (1 + Math.exp(-x)));
const relu = (map: FeatureMap) => mapped(map, (x) => Math.max(x, 0));
const sum = (left: FeatureMap, right: FeatureMap): FeatureMap => ({
  ...left,
  values: left.values.map((value, i) => value + right.values[i]!),
});

class Reference {
  constructor(private readonly tensors: Tensors) {}

  apply(layer: TestLayer, x: FeatureMap): FeatureMap {
    switch (layer.kind) {
      case 'pixels':
        return layer.range === 'unit' ? x : mapped(x, (value) => 2 * value - 1);
      case 'conv':
      case 'downsample':
        return this.convolve(layer.conv, x);
      case 'norm-silu':
        return silu(this.normalize(layer.norm, x));
      case 'residual': {
        const inner = this.convolve(layer.conv1, silu(this.normalize(layer.norm1, x)));
        const outer = this.convolve(layer.conv2, silu(this.normalize(layer.norm2, inner)));
        return sum(outer, layer.shortcut === null ? x : this.convolve(layer.shortcut, x));
      }
      case 'attention':
        return this.attend(layer, x);
      case 'space-to-depth': {
        const moved = spaceToDepth(x);
        const outer = spaceToDepth(this.convolve(layer.conv, x));
        return sum(outer, groupMeans(moved, (4 * layer.inputs) / layer.outputs));
      }
      case 'norm-conv-mean': {
        const means = mapped(groupMeans(x, layer.group), (mean) => mean * layer.meanScale);
        return sum(this.convolve(layer.conv, silu(this.normalize(layer.norm, x))), means);
      }
      case 'relu-block': {
        const [first, second, third] = layer.convs;
        const inner = relu(this.convolve(second, relu(this.convolve(first, x))));
        return relu(sum(this.convolve(third, inner), x));
      }
      case 'moments':
        return x;
    }
  }

  private tensor(name: string): Float32Array {
    return this.tensors.get(name)!;
  }

  private convolve(
    { name, inputs, outputs, kernel, stride, padding, bias }: Conv,
    x: FeatureMap,
  ): FeatureMap {
    const weight = this.tensor(`${name}.weight`);
    const [top, left, bottom, right] = padding;
    const height = Math.floor((x.height + top + bottom - kernel) / stride) + 1;
    const width = Math.floor((x.width + left + right - kernel) / stride) + 1;
    return mapOf(outputs, height, width, (output, y, column) => {
      let total = bias ? this.tensor(`${name}.bias`)[output]! : 0;
      for (let input = 0; input < inputs; input++)
        for (let tap = 0; tap < kernel ** 2; tap++) {
          const row = y * stride - top + Math.floor(tap / kernel);
          const place = (output * inputs + input) * kernel ** 2 + tap;
          total += weight[place]! * at(x, input, row, column * stride - left + (tap % kernel));
        }
      return total;
    });
  }

  private normalize(norm: Norm, x: FeatureMap): FeatureMap {
    const weight = this.tensor(`${norm.name}.weight`);
    if (norm.kind === 'rms')
      return mapOf(x.channels, x.height, x.width, (channel, y, column) => {
        let squares = 0;
        for (let other = 0; other < x.channels; other++) squares += at(x, other, y, column) ** 2;
        const length = Math.max(Math.sqrt(squares), norm.epsilon);
        return (at(x, channel, y, column) / length) * Math.sqrt(x.channels) * weight[channel]!;
      });
    const bias = this.tensor(`${norm.name}.bias`);
    const size = x.values.length / norm.groups;
    const scales = Array.from({ length: norm.groups }, (_, group) => {
      const values = x.values.subarray(group * size, (group + 1) * size);
      const mean = values.reduce((total, value) => total + value, 0) / size;
      const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / size;
      return { mean, deviation: Math.sqrt(variance + norm.epsilon) };
    });
    return mapOf(x.channels, x.height, x.width, (channel, y, column) => {
      const { mean, deviation } = scales[Math.floor((channel * norm.groups) / x.channels)]!;
      return ((at(x, channel, y, column) - mean) / deviation) * weight[channel]! + bias[channel]!;
    });
  }

  private attend(layer: TestLayer & { kind: 'attention' }, x: FeatureMap): FeatureMap {
    const y = this.normalize(layer.norm, x);
    const [query, key, value] = [layer.query, layer.key, layer.value].map((one) => this.convolve(one, y)) as [
      FeatureMap,
      FeatureMap,
      FeatureMap,
    ];
    const tokens = x.height * x.width;
    const attended = new Float64Array(x.values.length);
    for (let token = 0; token < tokens; token++) {
      const weights = Array.from({ length: tokens }, (_, other) => {
        let score = 0;
        for (let c = 0; c < x.channels; c++)
          score += query.values[c * tokens + token]! * key.values[c * tokens + other]!;
        return Math.exp(score * layer.scale);
      });
      const total = weights.reduce((all, weight) => all + weight, 0);
      for (let c = 0; c < x.channels; c++)
        attended[c * tokens + token] =
          weights.reduce((all, weight, other) => all + weight * value.values[c * tokens + other]!, 0) / total;
    }
    return sum(this.convolve(layer.output, { ...x, values: attended }), x);
  }
}

/** Channels in the order row, column, channel. */
function spaceToDepth(x: FeatureMap): FeatureMap {
  return mapOf(4 * x.channels, x.height / 2, x.width / 2, (channel, y, column) => {
    const pixel = Math.floor(channel / x.channels);
    return at(x, channel % x.channels, 2 * y + Math.floor(pixel / 2), 2 * column + (pixel % 2));
  });
}

function groupMeans(x: FeatureMap, group: number): FeatureMap {
  return mapOf(x.channels / group, x.height, x.width, (channel, y, column) => {
    let total = 0;
    for (let k = 0; k < group; k++) total += at(x, channel * group + k, y, column);
    return total / group;
  });
}

/** Of an image (height, width, 3): what the layer before `moments` gives, (channels, height, width). */
export function referenceOutput(
  layers: readonly TestLayer[],
  tensors: Tensors,
  image: Uint8Array,
  height: number,
  width: number,
): Float64Array {
  const reference = new Reference(tensors);
  const pixels = mapOf(3, height, width, (colour, y, x) => image[(y * width + x) * 3 + colour]! / 255);
  return layers.reduce((map, layer) => reference.apply(layer, map), pixels).values;
}

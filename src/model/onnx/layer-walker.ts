/**
 * Layers → nodes. Convolutions and matrix products run in the type asked for; norms, activations, softmax and the last
 * convolution in float32: sums of squares and exponentials need its range and precision, and they are cheap.
 *
 * Each method takes the name of its input and returns that of its output.
 */
import {
  type AttentionLayer,
  type ConvSpec,
  type GroupNormSpec,
  type Layer,
  type NormConvMeanLayer,
  type NormSpec,
  type PixelsLayer,
  type ReluBlockLayer,
  type ResidualLayer,
  type RmsNormSpec,
  type SpaceToDepthLayer,
  type TensorSource,
  tensorOf,
  type WeightedLayers,
} from '../layers.js';
import { type FloatType, GraphBuilder } from './graph-builder.js';

/** Pixels. */
export interface GraphSize {
  readonly width: number;
  readonly height: number;
}

export interface WalkerOptions {
  readonly type: FloatType;
  /** Constant shapes for one size, or shapes that are computed. */
  readonly size: GraphSize | 'dynamic';
  readonly queryChunks: number;
}

export class LayerWalker {
  readonly graph = new GraphBuilder();
  readonly #tensors: ReadonlyMap<string, Float32Array>;
  readonly #sources: ReadonlyMap<string, TensorSource>;
  readonly #type: FloatType;
  readonly #queryChunks: number;
  /** Of the feature maps at the current layer; undefined when it is free. */
  #size: GraphSize | undefined;
  /** The current value is of float32, whatever the type of the graph. */
  #isWide = false;
  /** Sees the feature maps that are not normalised: the residual stream, and what a block's second norm reads. */
  readonly #observe: (value: string) => void;

  constructor(
    { tensors, sources }: WeightedLayers,
    { type, size, queryChunks }: WalkerOptions,
    observe: (value: string) => void = () => {},
  ) {
    this.#tensors = tensors;
    this.#sources = sources;
    this.#type = type;
    this.#size = size === 'dynamic' ? undefined : size;
    this.#queryChunks = queryChunks;
    this.#observe = observe;
  }

  /** @param isLast it makes the moments, in float32 */
  add(layer: Layer, x: string, isLast: boolean): string {
    switch (layer.kind) {
      case 'pixels':
        return this.#pixels(layer, x);
      case 'conv': {
        if (isLast) return this.#conv(layer.conv, this.#widened(`${layer.conv.name}/float`, x), 'float32');
        const y = this.#conv(layer.conv, x);
        this.#observe(y);
        return y;
      }
      case 'downsample': {
        const y = this.#conv(layer.conv, x);
        this.#halve();
        this.#observe(y);
        return y;
      }
      case 'space-to-depth':
        return this.#spaceToDepth(layer, x);
      case 'norm-silu':
        this.#isWide = true;
        return this.#silu(layer.norm.name, this.#norm(layer.norm, x));
      case 'residual':
        return this.#residual(layer, x);
      case 'attention':
        return this.#attention(layer, x);
      case 'norm-conv-mean':
        return this.#normConvMean(layer, x);
      case 'relu-block':
        return this.#reluBlock(layer, x);
      case 'moments':
        return this.graph.node('Identity', 'moments', [x]);
    }
  }

  /** uint8 (N, H, W, 3) → (N, 3, H, W), in the order of torchvision's ToTensor and, to −1…1, Normalize(0.5, 0.5). */
  #pixels({ range }: PixelsLayer, x: string): string {
    const { graph } = this;
    const constant = (value: number) => graph.float(`constant/${value}`, [], Float32Array.of(value));
    const unit = graph.node('Div', 'image/unit', [graph.cast('image/float', x, 'float32'), constant(255)]);
    const centre = () => {
      const centred = graph.node('Sub', 'image/centred', [unit, constant(0.5)]);
      return graph.node('Div', 'image/normalised', [centred, constant(0.5)]);
    };
    const normal = range === 'signed' ? centre() : unit;
    return this.#narrow('image', graph.node('Transpose', 'image/planes', [normal], { perm: [0, 3, 1, 2] }));
  }

  #halve(): void {
    if (this.#size) this.#size = { width: this.#size.width / 2, height: this.#size.height / 2 };
  }

  #conv(spec: ConvSpec, x: string, type = this.#type): string {
    const { name, inputs, outputs, kernel, stride, padding } = spec;
    const weight = this.#parameter(`${name}.weight`, [outputs, inputs, kernel, kernel], type);
    const bias = spec.bias ? [this.#parameter(`${name}.bias`, [outputs], type)] : [];
    return this.graph.node('Conv', name, [x, weight, ...bias], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: padding,
    });
  }

  #norm(norm: NormSpec, x: string): string {
    return norm.kind === 'group' ? this.#groupNorm(norm, x) : this.#rmsNorm(norm, x);
  }

  #rmsNorm({ name, channels, epsilon }: RmsNormSpec, x: string): string {
    const { graph } = this;
    const wide = this.#widen(`${name}/float`, x);
    const length = graph.node('ReduceL2', `${name}/length`, [wide, graph.integers(1)], { keepdims: 1 });
    const floor = graph.float(`constant/${epsilon}`, [], Float32Array.of(epsilon));
    const divisor = graph.node('Max', `${name}/divisor`, [length, floor]);
    const normal = graph.node('Div', `${name}/normal`, [wide, divisor]);
    const factors = tensorOf(this.#tensors, `${name}.weight`).map((value) => value * Math.sqrt(channels));
    return graph.node('Mul', name, [normal, graph.float(`${name}.factor`, [channels, 1, 1], factors)]);
  }

  /** Each group is one channel to InstanceNormalization; GroupNormalization itself differs between opsets and backends. */
  #groupNorm({ name, channels, groups, epsilon }: GroupNormSpec, x: string): string {
    const { graph } = this;
    const ones = graph.float(`ones[${groups}]`, [groups], new Float32Array(groups).fill(1));
    const zeros = graph.float(`zeros[${groups}]`, [groups], new Float32Array(groups));
    const wide = this.#widen(`${name}/float`, x);
    const grouped = graph.node('Reshape', `${name}/grouped`, [wide, graph.integers(0, groups, -1)]);
    const normal = graph.node('InstanceNormalization', `${name}/normal`, [grouped, ones, zeros], {
      epsilon: { float: epsilon },
    });
    const back = graph.node('Reshape', `${name}/ungrouped`, [normal, this.#shapeOf(name, x, channels)]);
    const weight = this.#parameter(`${name}.weight`, [channels, 1, 1], 'float32');
    const bias = this.#parameter(`${name}.bias`, [channels, 1, 1], 'float32');
    return graph.node('Add', name, [graph.node('Mul', `${name}/scaled`, [back, weight]), bias]);
  }

  #silu(name: string, x: string): string {
    return this.graph.node('Mul', `${name}/silu`, [x, this.graph.node('Sigmoid', `${name}/sigmoid`, [x])]);
  }

  #activated(norm: NormSpec, x: string): string {
    return this.#narrow(`${norm.name}/active`, this.#silu(norm.name, this.#norm(norm, x)));
  }

  #residual({ name, norm1, conv1, norm2, conv2, shortcut }: ResidualLayer, x: string): string {
    const first = this.#conv(conv1, this.#activated(norm1, x));
    this.#observe(first);
    const second = this.#conv(conv2, this.#activated(norm2, first));
    const y = this.graph.node('Add', name, [shortcut === null ? x : this.#conv(shortcut, x), second]);
    this.#observe(y);
    return y;
  }

  #spaceToDepth({ name, conv, inputs, outputs }: SpaceToDepthLayer, x: string): string {
    const { graph } = this;
    const moved = (value: string) => graph.node('SpaceToDepth', `${value}/moved`, [value], { blocksize: 2 });
    const branch = moved(this.#conv(conv, x));
    const pixels = graph.node('SpaceToDepth', `${name}/moved`, [x], { blocksize: 2 });
    this.#halve();
    const mean = this.#groupMean(name, pixels, (4 * inputs) / outputs, outputs, branch);
    const y = graph.node('Add', name, [branch, mean]);
    this.#observe(y);
    return y;
  }

  /** The mean over `group` consecutive channels, in the shape of `like`: (N, channels, H, W). */
  #groupMean(name: string, x: string, group: number, channels: number, like: string): string {
    const { graph } = this;
    const grouped = graph.node('Reshape', `${name}/groups`, [x, graph.integers(0, channels, group, -1)]);
    const mean = graph.node('ReduceMean', `${name}/group_mean`, [grouped, graph.integers(2)], {
      keepdims: 0,
    });
    return graph.node('Reshape', `${name}/mean`, [mean, this.#shapeOf(`${name}/mean`, like, channels)]);
  }

  #normConvMean({ norm, conv, group, meanScale }: NormConvMeanLayer, x: string): string {
    const { graph } = this;
    const y = this.#conv(conv, this.#silu(norm.name, this.#norm(norm, x)), 'float32');
    const wide = this.#widen(`${conv.name}/float`, x);
    let mean = this.#groupMean(conv.name, wide, group, conv.outputs, y);
    if (meanScale !== 1) {
      const factor = graph.float(`constant/${meanScale}`, [], Float32Array.of(meanScale));
      mean = graph.node('Mul', `${conv.name}/mean/scaled`, [mean, factor]);
    }
    return graph.node('Add', `${conv.name}/sum`, [y, mean]);
  }

  #reluBlock({ name, convs }: ReluBlockLayer, x: string): string {
    const relu = (output: string, value: string) => this.graph.node('Relu', output, [value]);
    const [first, second, third] = convs;
    const inner = [first, second].reduce(
      (value, conv) => relu(`${conv.name}/active`, this.#conv(conv, value)),
      x,
    );
    return relu(name, this.graph.node('Add', `${name}/sum`, [this.#conv(third, inner), x]));
  }

  #attention(layer: AttentionLayer, x: string): string {
    const { graph } = this;
    const { name, norm } = layer;
    const normal = this.#narrow(`${name}/normal`, this.#norm(norm, x));
    // (N, C, H, W) → (N, C, tokens)
    const flat = (conv: ConvSpec) =>
      graph.node('Reshape', `${conv.name}/flat`, [this.#conv(conv, normal), graph.integers(0, 0, -1)]);
    const tokensFirst = (value: string) =>
      graph.node('Transpose', `${value}/tokens_first`, [value], { perm: [0, 2, 1] });
    const query = tokensFirst(this.#scaled(layer, flat(layer.query)));
    const key = flat(layer.key);
    const value = tokensFirst(flat(layer.value));

    const pieces = this.#slices(`${name}/query`, query).map((piece, i) => {
      const scores = graph.node('MatMul', `${name}/scores.${i}`, [piece, key]);
      const wide = this.#widen(`${name}/scores.${i}/float`, scores);
      const weights = graph.node('Softmax', `${name}/weights.${i}`, [wide], { axis: -1 });
      const narrow = this.#narrow(`${name}/weights.${i}/narrow`, weights);
      return graph.node('MatMul', `${name}/attended.${i}`, [narrow, value]);
    });
    const attended =
      pieces.length === 1 ? pieces[0]! : graph.node('Concat', `${name}/attended`, pieces, { axis: 1 });
    const image = graph.node('Reshape', `${name}/image`, [
      graph.node('Transpose', `${name}/channels_first`, [attended], { perm: [0, 2, 1] }),
      this.#shapeOf(name, x, norm.channels),
    ]);
    const y = graph.node('Add', name, [x, this.#conv(layer.output, image)]);
    this.#observe(y);
    return y;
  }

  /** Scaled before the product, so that half precision cannot overflow in it; by the exact factor. */
  #scaled({ name, scale }: AttentionLayer, query: string): string {
    const factor = this.graph.float(`${name}/scale`, [], Float32Array.of(scale));
    const wide = this.#widen(`${name}/query/float`, query);
    return this.#narrow(`${name}/query`, this.graph.node('Mul', `${name}/scaled_query`, [wide, factor]));
  }

  /**
   * Cuts axis 1 at tokens · i / chunks, rounded down. Split would cut into equal pieces but fails when there are fewer
   * tokens than pieces (an image of 16×24 pixels); a slice may be empty.
   */
  #slices(name: string, x: string): string[] {
    const { graph } = this;
    const chunks = this.#queryChunks;
    if (chunks === 1) return [x];
    const slice = (i: number, from: string, to: string) =>
      graph.node('Slice', `${name}/slice.${i}`, [x, from, to, graph.integers(1)]);
    if (this.#size) {
      const tokens = this.#size.width * this.#size.height;
      const bounds = Array.from({ length: chunks + 1 }, (_, i) => Math.floor((tokens * i) / chunks));
      return bounds
        .slice(1)
        .map((to, i) => ({ from: bounds[i]!, to, i }))
        .filter(({ from, to }) => from < to)
        .map(({ from, to, i }) => slice(i, graph.integers(from), graph.integers(to)));
    }
    const tokens = graph.node('Shape', `${name}/tokens`, [x], { start: 1, end: 2 });
    const bound = (i: number) => {
      const share = graph.node('Mul', `${name}/share.${i}`, [tokens, graph.integers(i)]);
      return graph.node('Div', `${name}/bound.${i}`, [share, graph.integers(chunks)]);
    };
    const bounds = [graph.integers(0), ...Array.from({ length: chunks - 1 }, (_, i) => bound(i + 1)), tokens];
    return Array.from({ length: chunks }, (_, i) => slice(i, bounds[i]!, bounds[i + 1]!));
  }

  /** What reshapes to (N, channels, H, W) of the feature map `x`. */
  #shapeOf(name: string, x: string, channels: number): string {
    if (this.#size === undefined) return this.graph.node('Shape', `${name}/shape`, [x]);
    return this.graph.integers(0, channels, this.#size.height, this.#size.width);
  }

  /** The current value, in float32. */
  #widened(name: string, x: string): string {
    return this.#isWide ? x : this.#widen(name, x);
  }

  #widen(name: string, x: string): string {
    return this.#type === 'float32' ? x : this.graph.cast(name, x, 'float32');
  }

  #narrow(name: string, x: string): string {
    return this.#type === 'float32' ? x : this.graph.cast(name, x, this.#type);
  }

  #parameter(name: string, shape: readonly number[], type: FloatType): string {
    return this.graph.float(name, shape, tensorOf(this.#tensors, name), type, this.#sources.get(name));
  }
}

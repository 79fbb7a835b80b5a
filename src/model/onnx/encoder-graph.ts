/**
 * A layer list → an ONNX model: opset 18, one input `image` float32 [N, 3, H, W] in −1…1, outputs `mean` and `logvar`
 * float32 [N, z, H/stride, W/stride]. Any N, H and W (multiples of the stride) work with one model. Only plain
 * operators are used, in forms that onnxruntime and the TensorRT parser both take.
 */
import { foldPointwiseConvs } from '../fold.js';
import {
  type AttentionLayer,
  type ConvSpec,
  type Layer,
  type NormSpec,
  type ResidualLayer,
  tensorOf,
  type WeightedLayers,
} from '../layers.js';
import { GraphBuilder } from './graph-builder.js';
import { encodeModel } from './schema.js';

const OPSET = 18;
const IR_VERSION = 8;

export interface EncoderGraphOptions {
  /**
   * The attention works through its queries in so many pieces, so that the matrix of scores needs
   * (pixels / 64)² · 4 / queryChunks bytes instead of all at once. The result does not change.
   */
  readonly queryChunks: number;
}

/** The bytes of the model file. Equal weights and options give equal bytes. */
export function writeEncoderModel(
  encoder: WeightedLayers,
  options: EncoderGraphOptions,
): Uint8Array<ArrayBuffer> {
  const { layers, tensors } = foldPointwiseConvs(encoder);
  const walker = new LayerWalker(tensors, options);
  let value = 'image';
  for (const layer of layers) value = walker.add(layer, value);
  const moments = layers.at(-1);
  if (moments?.kind !== 'moments') throw new Error('an encoder ends with its moments');
  const latent = ['batch', moments.channels, 'latent_height', 'latent_width'];
  return encodeModel(
    {
      name: 'vae_encoder',
      nodes: walker.graph.nodes,
      initializers: walker.graph.initializers,
      inputs: [{ name: 'image', shape: ['batch', 3, 'height', 'width'] }],
      outputs: [
        { name: 'mean', shape: latent },
        { name: 'logvar', shape: latent },
      ],
    },
    OPSET,
    IR_VERSION,
  );
}

/** Each method takes the name of its input and returns that of its output. */
class LayerWalker {
  readonly graph = new GraphBuilder();
  readonly #tensors: ReadonlyMap<string, Float32Array>;
  readonly #queryChunks: number;

  constructor(tensors: ReadonlyMap<string, Float32Array>, { queryChunks }: EncoderGraphOptions) {
    this.#tensors = tensors;
    this.#queryChunks = queryChunks;
  }

  add(layer: Layer, x: string): string {
    switch (layer.kind) {
      case 'conv':
      case 'downsample':
        return this.#conv(layer.conv, x);
      case 'norm-silu':
        return this.#silu(layer.norm.name, this.#norm(layer.norm, x));
      case 'residual':
        return this.#residual(layer, x);
      case 'attention':
        return this.#attention(layer, x);
      case 'moments':
        return this.#moments(layer.channels, layer.logvarMinimum, layer.logvarMaximum, x);
    }
  }

  #conv({ name, inputs, outputs, kernel, stride, padding }: ConvSpec, x: string): string {
    const weight = this.#parameter(`${name}.weight`, [outputs, inputs, kernel, kernel]);
    const bias = this.#parameter(`${name}.bias`, [outputs]);
    return this.graph.node('Conv', name, [x, weight, bias], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: padding,
    });
  }

  /** Each group is one channel to InstanceNormalization; GroupNormalization itself differs between opsets and backends. */
  #norm({ name, channels, groups, epsilon }: NormSpec, x: string): string {
    const { graph } = this;
    const ones = graph.float(`ones[${groups}]`, [groups], new Float32Array(groups).fill(1));
    const zeros = graph.float(`zeros[${groups}]`, [groups], new Float32Array(groups));
    const grouped = graph.node('Reshape', `${name}/grouped`, [x, graph.integers(0, groups, -1)]);
    const normal = graph.node('InstanceNormalization', `${name}/normal`, [grouped, ones, zeros], {
      epsilon: { float: epsilon },
    });
    const back = graph.node('Reshape', `${name}/ungrouped`, [
      normal,
      graph.node('Shape', `${name}/shape`, [x]),
    ]);
    const weight = this.#parameter(`${name}.weight`, [channels, 1, 1]);
    const bias = this.#parameter(`${name}.bias`, [channels, 1, 1]);
    return graph.node('Add', name, [graph.node('Mul', `${name}/scaled`, [back, weight]), bias]);
  }

  #silu(name: string, x: string): string {
    return this.graph.node('Mul', `${name}/silu`, [x, this.graph.node('Sigmoid', `${name}/sigmoid`, [x])]);
  }

  #residual({ name, norm1, conv1, norm2, conv2, shortcut }: ResidualLayer, x: string): string {
    const first = this.#conv(conv1, this.#silu(norm1.name, this.#norm(norm1, x)));
    const second = this.#conv(conv2, this.#silu(norm2.name, this.#norm(norm2, first)));
    return this.graph.node('Add', name, [shortcut === null ? x : this.#conv(shortcut, x), second]);
  }

  #attention(layer: AttentionLayer, x: string): string {
    const { graph } = this;
    const { name } = layer;
    const y = this.#norm(layer.norm, x);
    // (N, C, H, W) → (N, C, tokens)
    const flat = (conv: ConvSpec) =>
      graph.node('Reshape', `${conv.name}/flat`, [this.#conv(conv, y), graph.integers(0, 0, -1)]);
    const tokensFirst = (value: string) =>
      graph.node('Transpose', `${value}/tokens_first`, [value], { perm: [0, 2, 1] });
    // scaled before the product, so that half precision cannot overflow in it
    const scale = graph.float(`${name}/scale`, [], Float32Array.of(layer.scale));
    const query = tokensFirst(graph.node('Mul', `${name}/scaled_query`, [flat(layer.query), scale]));
    const key = flat(layer.key);
    const value = tokensFirst(flat(layer.value));

    const pieces = this.#slices(`${name}/query`, query).map((piece, i) => {
      const scores = graph.node('MatMul', `${name}/scores.${i}`, [piece, key]);
      const weights = graph.node('Softmax', `${name}/weights.${i}`, [scores], { axis: -1 });
      return graph.node('MatMul', `${name}/attended.${i}`, [weights, value]);
    });
    const attended =
      pieces.length === 1 ? pieces[0]! : graph.node('Concat', `${name}/attended`, pieces, { axis: 1 });
    const shape = graph.node('Shape', `${name}/shape`, [x]);
    const image = graph.node('Reshape', `${name}/image`, [
      graph.node('Transpose', `${name}/channels_first`, [attended], { perm: [0, 2, 1] }),
      shape,
    ]);
    return graph.node('Add', name, [x, this.#conv(layer.output, image)]);
  }

  /**
   * Cuts axis 1 at tokens · i / chunks, rounded down. Split would cut into equal pieces but fails when there are fewer
   * tokens than pieces (an image of 16×24 pixels); a slice may be empty.
   */
  #slices(name: string, x: string): string[] {
    const { graph } = this;
    const chunks = this.#queryChunks;
    if (chunks === 1) return [x];
    const axis = graph.integers(1);
    const tokens = graph.node('Shape', `${name}/tokens`, [x], { start: 1, end: 2 });
    const bound = (i: number) => {
      const share = graph.node('Mul', `${name}/share.${i}`, [tokens, graph.integers(i)]);
      return graph.node('Div', `${name}/bound.${i}`, [share, graph.integers(chunks)]);
    };
    const bounds = [graph.integers(0), ...Array.from({ length: chunks - 1 }, (_, i) => bound(i + 1)), tokens];
    return Array.from({ length: chunks }, (_, i) =>
      graph.node('Slice', `${name}/slice.${i}`, [x, bounds[i]!, bounds[i + 1]!, axis]),
    );
  }

  #moments(channels: number, minimum: number, maximum: number, x: string): string {
    const { graph } = this;
    const axis = graph.integers(1);
    const half = (name: string, from: number, to: number) =>
      graph.node('Slice', name, [x, graph.integers(from), graph.integers(to), axis]);
    half('mean', 0, channels);
    const raw = half('logvar/raw', channels, 2 * channels);
    const low = graph.float('logvar/minimum', [], Float32Array.of(minimum));
    const high = graph.float('logvar/maximum', [], Float32Array.of(maximum));
    return graph.node('Clip', 'logvar', [raw, low, high]);
  }

  #parameter(name: string, shape: readonly number[]): string {
    return this.graph.float(name, shape, tensorOf(this.#tensors, name));
  }
}

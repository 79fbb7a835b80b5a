/**
 * Keeps an encoder's activations inside of half precision without changing its result. Normalisation takes a scale of
 * its input out again, so that the residual stream, and in each block what the second norm reads, may be multiplied by
 * any power of two: weights and biases of the convs that write there are scaled, and the epsilon of the norms that read
 * it, by the square where it is added to a variance. Powers of two change no rounding: in float32 every bit stays (until
 * numbers of 1e-38). Encoders without norms have no such points.
 */
import { type ConvSpec, type Layer, type NormSpec, tensorOf, type WeightedLayers } from './layers.js';

/** 2^-exponent is the factor of each feature map that `scalePoints` lists, in that order; 0 or more. */
export interface Rescaling {
  readonly exponents: readonly number[];
}

export interface ScalePoint {
  /** The layer that writes it. */
  readonly layer: number;
  /** 'stream': the residual stream; 'inner': the output of a block's first conv. */
  readonly kind: 'stream' | 'inner';
  /** A conv stands between it and the stream before, so that its factor may be another. */
  readonly isFree: boolean;
}

/** A sixty-fourth of what half precision holds (65,504): images differ. */
const LARGEST = 1024;

/** The feature maps that are never normalised, in the order in which they are computed. */
export function scalePoints(layers: readonly Layer[]): ScalePoint[] {
  const end = layers.findIndex(({ kind }) => kind === 'norm-silu' || kind === 'norm-conv-mean');
  const points: ScalePoint[] = [];
  for (const [layer, one] of layers.slice(0, Math.max(0, end)).entries()) {
    if (one.kind === 'pixels') continue;
    if (one.kind === 'residual') points.push({ layer, kind: 'inner', isFree: true });
    points.push({ layer, kind: 'stream', isFree: isBehindConv(one) });
  }
  return points;
}

/** Whether a layer's input reaches its output through convs only. */
function isBehindConv(layer: Layer): boolean {
  if (layer.kind === 'residual') return layer.shortcut !== null;
  return layer.kind === 'conv' || layer.kind === 'downsample';
}

/**
 * The smallest exponents that leave a head-room of 64.
 *
 * @param maxima for each image: max |x| at each scale point.
 */
export function chooseRescaling(layers: readonly Layer[], maxima: readonly Float32Array[]): Rescaling {
  const points = scalePoints(layers);
  const needed = points.map((_, at) => exponentFor(Math.max(...maxima.map((row) => row[at]!))));
  // one factor from a free point of the stream to the next
  const exponents = [...needed];
  let segment: number[] = [];
  const close = () => {
    const largest = Math.max(...segment.map((at) => needed[at]!));
    for (const at of segment) exponents[at] = largest;
  };
  for (const [at, { kind, isFree }] of points.entries()) {
    if (kind === 'inner') continue;
    if (isFree && segment.length > 0) {
      close();
      segment = [];
    }
    segment.push(at);
  }
  if (segment.length > 0) close();
  return { exponents };
}

function exponentFor(maximum: number): number {
  if (!Number.isFinite(maximum)) throw new Error('the probe must be finite');
  return maximum <= LARGEST ? 0 : Math.ceil(Math.log2(maximum / LARGEST));
}

/** The same encoder with scaled activations; what else the object holds is kept. */
export function rescale<Encoder extends WeightedLayers>(encoder: Encoder, { exponents }: Rescaling): Encoder {
  const tensors = new Map(encoder.tensors);
  const sources = new Map(encoder.sources);
  const points = scalePoints(encoder.layers);
  if (points.length !== exponents.length) throw new Error('the rescaling belongs to another encoder');
  const factorAt = (layer: number, kind: ScalePoint['kind']) =>
    2 ** -exponents[points.findIndex((point) => point.layer === layer && point.kind === kind)]!;

  const scale = (name: string, factor: number) => {
    if (factor === 1) return;
    tensors.set(
      name,
      tensorOf(tensors, name).map((value) => value * factor),
    );
    sources.delete(name);
  };
  const scaleConv = (conv: ConvSpec, weight: number, bias: number) => {
    scale(`${conv.name}.weight`, weight);
    if (conv.bias) scale(`${conv.name}.bias`, bias);
  };
  const scaleNorm = (norm: NormSpec, factor: number): NormSpec => ({
    ...norm,
    epsilon: norm.epsilon * (norm.kind === 'group' ? factor ** 2 : factor),
  });

  let stream = 1;
  const rescaled = (layer: Layer, before: number, inner: number): Layer => {
    if (layer.kind === 'residual') {
      scaleConv(layer.conv1, inner, inner);
      scaleConv(layer.conv2, stream, stream);
      if (layer.shortcut !== null) scaleConv(layer.shortcut, stream / before, stream);
      return { ...layer, norm1: scaleNorm(layer.norm1, before), norm2: scaleNorm(layer.norm2, inner) };
    }
    if (layer.kind === 'attention') {
      scaleConv(layer.output, stream, stream);
      return { ...layer, norm: scaleNorm(layer.norm, before) };
    }
    if (layer.kind === 'conv' || layer.kind === 'downsample' || layer.kind === 'space-to-depth') {
      scaleConv(layer.conv, stream / before, stream);
    }
    return layer;
  };
  const layers = encoder.layers.map((layer, index) => {
    if (layer.kind === 'norm-silu') return { ...layer, norm: scaleNorm(layer.norm, stream) };
    if (layer.kind === 'norm-conv-mean') {
      return { ...layer, norm: scaleNorm(layer.norm, stream), meanScale: layer.meanScale / stream };
    }
    if (!points.some((point) => point.layer === index)) return layer;
    const before = stream;
    stream = factorAt(index, 'stream');
    return rescaled(layer, before, layer.kind === 'residual' ? factorAt(index, 'inner') : 1);
  });
  return { ...encoder, layers, tensors, sources };
}

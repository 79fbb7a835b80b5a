/**
 * A layer list → a graph for every back-end: one input `pixels` uint8 [N, H, W, 3], one output `moments` float32
 * [N, 2z, H/stride, W/stride], means and then log variances as they come (the host clamps them). N is free; H and W are
 * when asked for (multiples of the stride). Only plain operators are used, in forms that onnxruntime and the TensorRT
 * parser both take.
 */
import { foldPointwiseConvs } from '../fold.js';
import type { WeightedLayers } from '../layers.js';
import type { FloatType } from './graph-builder.js';
import { type GraphSize, LayerWalker } from './layer-walker.js';
import type { OnnxGraph } from './schema.js';

export interface EncoderGraphOptions {
  readonly type: FloatType;
  /** Pixels. A fixed size has constant shapes throughout. */
  readonly size: GraphSize | 'dynamic';
  /**
   * The attention works through its queries in so many pieces, so that the matrix of scores needs
   * (pixels / 64)² · 4 / queryChunks bytes instead of all at once. The result does not change.
   */
  readonly queryChunks: number;
}

export function buildEncoderGraph(encoder: WeightedLayers, options: EncoderGraphOptions): OnnxGraph {
  const folded = foldPointwiseConvs(encoder);
  const walker = new LayerWalker(folded, options);
  let value = 'pixels';
  const last = folded.layers.length - 2;
  for (const [index, layer] of folded.layers.entries()) value = walker.add(layer, value, index === last);
  const moments = folded.layers.at(-1);
  if (moments?.kind !== 'moments') throw new Error('an encoder ends with its moments');
  const latent = latentSides(options.size, folded);
  return {
    name: 'vae_encoder',
    nodes: walker.graph.nodes,
    initializers: walker.graph.initializers,
    inputs: [pixelsInput(options.size)],
    outputs: [{ name: 'moments', type: 'float32', shape: ['batch', 2 * moments.channels, ...latent] }],
  };
}

/** The input of every graph of ours. */
export function pixelsInput(size: GraphSize | 'dynamic'): OnnxGraph['inputs'][number] {
  const sides = size === 'dynamic' ? ['height', 'width'] : [size.height, size.width];
  return { name: 'pixels', type: 'uint8', shape: ['batch', ...sides, 3] };
}

function latentSides(size: GraphSize | 'dynamic', { layers }: WeightedLayers): (string | number)[] {
  if (size === 'dynamic') return ['latent_height', 'latent_width'];
  const halvings = layers.filter(({ kind }) => kind === 'downsample' || kind === 'space-to-depth');
  const stride = 2 ** halvings.length;
  return [size.height / stride, size.width / stride];
}

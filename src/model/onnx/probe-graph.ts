/** A graph that measures how large the activations of an encoder become, for choosing the exponents of `rescale`. */
import { foldPointwiseConvs } from '../fold.js';
import type { WeightedLayers } from '../layers.js';
import { scalePoints } from '../rescale.js';
import { pixelsInput } from './encoder-graph.js';
import { type GraphSize, LayerWalker } from './layer-walker.js';
import type { OnnxGraph } from './schema.js';

/**
 * Input `pixels` as in the encoder's graph; output `moments` float32 [N, K]: max |x| of each feature map that
 * `scalePoints` lists, in that order.
 */
export function buildProbeGraph(encoder: WeightedLayers, size: GraphSize): OnnxGraph {
  const folded = foldPointwiseConvs(encoder);
  const observed: string[] = [];
  const walker = new LayerWalker(folded, { type: 'float32', size, queryChunks: 4 }, (value) =>
    observed.push(value),
  );
  const { graph } = walker;
  const last = scalePoints(folded.layers).at(-1);
  if (last === undefined) throw new Error('an encoder without norms has nothing to measure');
  let value = 'pixels';
  for (const layer of folded.layers.slice(0, last.layer + 1)) value = walker.add(layer, value, false);
  const maxima = observed.map((name) => {
    const row = graph.node('Reshape', `${name}/row`, [name, graph.integers(0, -1)]);
    const absolute = graph.node('Abs', `${name}/absolute`, [row]);
    return graph.node('ReduceMax', `${name}/maximum`, [absolute, graph.integers(1)], { keepdims: 1 });
  });
  graph.node('Concat', 'moments', maxima, { axis: 1 });
  return {
    name: 'vae_probe',
    nodes: graph.nodes,
    initializers: graph.initializers,
    inputs: [pixelsInput(size)],
    outputs: [{ name: 'moments', type: 'float32', shape: ['batch', observed.length] }],
  };
}

/** Rewrites of a layer list that change the work but not the result. */
import { type ConvLayer, type ConvSpec, type Layer, tensorOf, type WeightedLayers } from './layers.js';

/**
 * Merges each 1×1 conv that directly follows a conv into it: W' = Wq·W, b' = Wq·b + bq, in float64 and rounded to
 * float32 once. A 1×1 conv works pixel by pixel, so that the zero padding of the first conv stays right.
 */
export function foldPointwiseConvs({ layers, tensors, sources }: WeightedLayers): WeightedLayers {
  const folded: Layer[] = [];
  const values = new Map(tensors);
  const unchanged = new Map(sources);
  for (const layer of layers) {
    const previous = folded.at(-1);
    if (layer.kind === 'conv' && isPointwise(layer.conv) && previous?.kind === 'conv') {
      folded[folded.length - 1] = fold(previous, layer.conv, values);
      for (const part of ['weight', 'bias']) unchanged.delete(`${previous.conv.name}.${part}`);
    } else {
      folded.push(layer);
    }
  }
  return { layers: folded, tensors: values, sources: unchanged };
}

function isPointwise({ kernel, stride }: ConvSpec): boolean {
  return kernel === 1 && stride === 1;
}

function fold({ conv: first }: ConvLayer, second: ConvSpec, values: Map<string, Float32Array>): ConvLayer {
  if (!first.bias || !second.bias) throw new Error('folding needs both biases');
  const mix = tensorOf(values, `${second.name}.weight`);
  const weight = multiply(mix, tensorOf(values, `${first.name}.weight`), second.outputs, first.outputs);
  const bias = multiply(mix, tensorOf(values, `${first.name}.bias`), second.outputs, first.outputs);
  const offset = tensorOf(values, `${second.name}.bias`);
  for (const part of ['weight', 'bias']) values.delete(`${second.name}.${part}`);
  values.set(`${first.name}.weight`, Float32Array.from(weight));
  values.set(
    `${first.name}.bias`,
    Float32Array.from(bias, (value, row) => value + offset[row]!),
  );
  return { kind: 'conv', conv: { ...first, outputs: second.outputs } };
}

/** (rows, inner) · (inner, columns); `columns` follows from the length of the right matrix. */
function multiply(left: Float32Array, right: Float32Array, rows: number, inner: number): Float64Array {
  const columns = right.length / inner;
  const product = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const factor = left[row * inner + k]!;
      for (let column = 0; column < columns; column++) {
        product[row * columns + column]! += factor * right[k * columns + column]!;
      }
    }
  }
  return product;
}

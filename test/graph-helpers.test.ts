/** The reference executor rounds where a 16-bit type is made, and nowhere else; and what pixels become is torch's. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type FloatType, GraphBuilder } from '#dist/model/onnx/graph-builder.js';
import { LayerWalker } from '#dist/model/onnx/layer-walker.js';
import type { OnnxGraph } from '#dist/model/onnx/schema.js';
import { emulated, runGraph } from './graph-helpers.js';

/** One pixel of ones → its product with a column of `weights`, which are powers of two. */
function product(type: FloatType, weights: readonly number[]): OnnxGraph {
  const graph = new GraphBuilder();
  const ones = graph.cast('ones', 'pixels', 'float32');
  const row = graph.cast('row', graph.node('Reshape', 'flat', [ones, graph.integers(0, 1, -1)]), type);
  const column = graph.float('column', [1, 3, 1], Float32Array.from(weights), type);
  graph.cast('moments', graph.node('MatMul', 'product', [row, column]), 'float32');
  return {
    name: 'product',
    nodes: graph.nodes,
    initializers: graph.initializers,
    inputs: [{ name: 'pixels', type: 'uint8', shape: ['batch', 1, 1, 3] }],
    outputs: [{ name: 'moments', type: 'float32', shape: ['batch', 1, 1] }],
  };
}

describe('emulated products', () => {
  const run = async (type: FloatType, ...weights: number[]) =>
    (await runGraph(emulated(product(type, weights)), [Uint8Array.of(1, 1, 1)], 1, 1, 'disabled'))[0];

  for (const [type, fractionBits] of [
    ['float16', 10],
    ['bfloat16', 7],
  ] as const) {
    const half = 2 ** -(fractionBits + 1);
    it(`of ${type} are rounded to ${fractionBits} bits`, async () => {
      expect(await run(type, 1, half, 0)).toBe(1);
    });
    it(`of ${type} are summed in float32`, async () => {
      expect(await run(type, 1, half, half)).toBe(1 + 2 * half);
    });
  }
});

describe('pixels', () => {
  const { normalized } = JSON.parse(
    readFileSync(new URL('golden/data/resize.json', import.meta.url), 'utf8'),
  ) as { normalized: string };
  const expected = new Float32Array(new Uint8Array(Buffer.from(normalized, 'base64')).buffer);
  const size = { width: 16, height: 16 };

  for (const optimization of ['all', 'disabled'] as const) {
    it(`become torch's float32 values, optimization ${optimization}`, async () => {
      const weights = { layers: [], tensors: new Map(), sources: new Map() };
      const walker = new LayerWalker(weights, { type: 'float32', size, queryChunks: 1 });
      walker.graph.node('Identity', 'moments', [
        walker.add({ kind: 'pixels', range: 'signed' }, 'pixels', false),
      ]);
      const graph: OnnxGraph = {
        name: 'pixels',
        nodes: walker.graph.nodes,
        initializers: walker.graph.initializers,
        inputs: [{ name: 'pixels', type: 'uint8', shape: ['batch', 16, 16, 3] }],
        outputs: [{ name: 'moments', type: 'float32', shape: ['batch', 3, 16, 16] }],
      };
      // each of three images holds every value in another channel order
      const images = [0, 1, 2].map((image) =>
        new Uint8Array(16 * 16 * 3).map((_, i) => (i * 7 + image) % 256),
      );
      const planes = images.flatMap((pixels) =>
        [0, 1, 2].flatMap((channel) =>
          Array.from({ length: 256 }, (_, pixel) => expected[pixels[pixel * 3 + channel]!]!),
        ),
      );
      expect(await runGraph(graph, images, 16, 16, optimization)).toEqual(Float32Array.from(planes));
    });
  }
});

/** What the checker refuses: sizes beyond TensorRT's limits, and graphs that break its rules. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadVae, type VaeEncoderWeights } from '#dist/model/load-vae.js';
import { checkGraph, type RunShape } from '#dist/model/onnx/check-graph.js';
import { buildEncoderGraph } from '#dist/model/onnx/encoder-graph.js';
import { buildProbeGraph } from '#dist/model/onnx/probe-graph.js';
import { ELEMENT_NUMBERS, type OnnxGraph, type OnnxNode } from '#dist/model/onnx/schema.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { scratchFolder } from './encoder-helpers.js';

const scratch = scratchFolder();
let weights: VaeEncoderWeights;
/** As wide as SDXL's where the pixels are many, so that the limits are where they are for it. */
beforeAll(async () => {
  await writeSeededVae(scratch('vae.safetensors'), {
    seed: 1,
    widths: [128, 128, 128, 128],
    blocksPerLevel: 1,
  });
  weights = await loadVae(scratch('vae.safetensors'), { model: 'sdxl' });
});

const graphFor = (size: { width: number; height: number } | 'dynamic', queryChunks = 16) =>
  buildEncoderGraph(weights, { type: 'float16', size, queryChunks });
const codeOf = (graph: OnnxGraph, shape: RunShape): string | undefined => {
  try {
    checkGraph(graph, shape);
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
};

describe('sizes', () => {
  // 128 channels of count · height · width elements must stay below 2^31
  for (const [side, most] of [
    [1024, 15],
    [2048, 3],
  ] as const) {
    const size = { width: side, height: side };
    it(`${most} images of ${side}×${side} are the most`, () => {
      expect(codeOf(graphFor(size, 64), { count: most, ...size })).toBeUndefined();
      expect(codeOf(graphFor(size, 64), { count: most + 1, ...size })).toBe('ERR_GRAPH_LIMIT');
    });
  }

  it('the scores of the attention have the same limit', () => {
    // 230² tokens: their square is beyond 2^31, half of it is not
    const size = { width: 1840, height: 1840 };
    expect(codeOf(graphFor(size, 1), { count: 1, ...size })).toBe('ERR_GRAPH_LIMIT');
    expect(codeOf(graphFor(size, 2), { count: 1, ...size })).toBeUndefined();
  });

  it('a graph with free sizes is checked for each', () => {
    const graph = graphFor('dynamic');
    expect(codeOf(graph, { count: 2, width: 768, height: 1280 })).toBeUndefined();
    expect(codeOf(graph, { count: 4, width: 2048, height: 2048 })).toBe('ERR_GRAPH_LIMIT');
  });

  it('a graph for one size is for no other', () => {
    expect(codeOf(graphFor({ width: 64, height: 64 }), { count: 1, width: 64, height: 72 })).toMatch(/64x64/);
  });

  it('the probe keeps the rules too', () => {
    const size = { width: 512, height: 512 };
    expect(codeOf(buildProbeGraph(weights, size), { count: 1, ...size })).toBeUndefined();
  });
});

describe('graphs', () => {
  const size = { width: 64, height: 64 };
  const shape = { count: 1, ...size };
  const changed = (change: (node: OnnxNode) => OnnxNode): OnnxGraph => {
    const graph = graphFor(size);
    return { ...graph, nodes: graph.nodes.map(change) };
  };
  const when = (operator: string, change: (node: OnnxNode) => Partial<OnnxNode>) =>
    changed((node) => (node.operator === operator ? { ...node, ...change(node) } : node));

  for (const operator of ['GroupNormalization', 'Attention', 'Pad', 'Resize']) {
    it(`with ${operator} are refused`, () => {
      expect(
        codeOf(
          when('InstanceNormalization', () => ({ operator })),
          shape,
        ),
      ).toMatch(operator);
    });
  }

  it('with a norm in half precision are refused', () => {
    const graph = changed((node) =>
      node.name.endsWith('norm1/float') ? { ...node, attributes: { to: ELEMENT_NUMBERS.float16 } } : node,
    );
    expect(codeOf(graph, shape)).toMatch(/InstanceNormalization .* float32/);
  });

  it('with a softmax in half precision are refused', () => {
    const graph = changed((node) =>
      /scores\.\d+\/float$/.test(node.name) ? { ...node, attributes: { to: ELEMENT_NUMBERS.float16 } } : node,
    );
    expect(codeOf(graph, shape)).toMatch(/Softmax .* float32/);
  });

  it('with pixels that are not cast first are refused', () => {
    const graph = changed((node) =>
      node.name === 'image/unit' ? { ...node, inputs: ['pixels', node.inputs[1]!] } : node,
    );
    expect(codeOf(graph, shape)).toMatch(/uint8/);
  });

  it('with weights of another type are refused', () => {
    const graph = graphFor(size);
    const initializers = graph.initializers.map((tensor) =>
      tensor.name === 'encoder.conv_in.weight' ? { ...tensor, type: 'bfloat16' as const } : tensor,
    );
    expect(codeOf({ ...graph, initializers }, shape)).toMatch(/Conv encoder.conv_in mixes types/);
  });

  it('with a weight that is missing are refused', () => {
    const graph = graphFor(size);
    const initializers = graph.initializers.filter(({ name }) => name !== 'encoder.conv_in.bias');
    expect(codeOf({ ...graph, initializers }, shape)).toMatch(/encoder.conv_in.bias/);
  });

  it('without their output are refused', () => {
    expect(
      codeOf(
        when('Identity', () => ({ outputs: ['other'] })),
        shape,
      ),
    ).toMatch(/moments/);
  });

  it('for one size with computed shapes are refused', () => {
    const graph = graphFor('dynamic');
    const inputs = graphFor(size).inputs;
    expect(codeOf({ ...graph, inputs }, shape)).toMatch(/fixed/);
  });

  it('whose output has another shape than they say are refused', () => {
    const graph = graphFor(size);
    const outputs = graph.outputs.map((output) => ({ ...output, shape: ['batch', 8, 8, 9] }));
    expect(codeOf({ ...graph, outputs }, shape)).toMatch(/\[1,8,8,8\], not as \[batch,8,8,9\]/);
  });

  it('that reshape to another number of elements are refused', () => {
    const graph = graphFor(size);
    const initializers = graph.initializers.map((tensor) =>
      tensor.name === 'int64[0,32,-1]' ? { ...tensor, values: BigInt64Array.of(0n, 31n, -1n) } : tensor,
    );
    expect(codeOf({ ...graph, initializers }, shape)).toMatch(/does not divide/);
  });
});

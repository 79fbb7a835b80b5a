/** The protobuf writer, folding, and the promises of the ONNX graph that need no reference network. */

import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { foldPointwiseConvs } from '#dist/model/fold.js';
import { type ConvSpec, type Layer, tensorsOf } from '#dist/model/layers.js';
import { loadVae, type VaeEncoderWeights } from '#dist/model/load-vae.js';
import { buildEncoderGraph } from '#dist/model/onnx/encoder-graph.js';
import type { GraphSize } from '#dist/model/onnx/layer-walker.js';
import { ProtoMessage } from '#dist/model/onnx/protobuf.js';
import { encodeModel, externalTensors } from '#dist/model/onnx/schema.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { seededTensor } from '#dist/model/seeded-values.js';
import { golden, largestDifference, SMALL, scratchFolder, seededImage } from './encoder-helpers.js';
import { runGraph, startGraph } from './graph-helpers.js';

const scratch = scratchFolder();

describe('protobuf', () => {
  const hex = (message: ProtoMessage) => Buffer.from(message.toBytes()).toString('hex');

  // the first four are the examples of protobuf.dev, "Encoding"
  it('writes 150 as a varint', () => {
    expect(hex(new ProtoMessage().integer(1, 150))).toBe('089601');
  });
  it('writes text with its length', () => {
    expect(hex(new ProtoMessage().text(2, 'testing'))).toBe('120774657374696e67');
  });
  it('writes a message inside a message', () => {
    expect(hex(new ProtoMessage().message(3, new ProtoMessage().integer(1, 150)))).toBe('1a03089601');
  });
  it('writes −2 in ten bytes', () => {
    expect(hex(new ProtoMessage().signedInteger(1, -2))).toBe('08feffffffffffffffff01');
  });
  it('writes a float in four bytes, little-endian', () => {
    expect(hex(new ProtoMessage().float(2, 1))).toBe('150000803f');
  });
  it('writes field numbers above 15 in two bytes', () => {
    expect(hex(new ProtoMessage().integer(20, 1))).toBe('a00101');
  });
  it('writes integers beyond 32 bits', () => {
    expect(hex(new ProtoMessage().integer(1, 2 ** 35))).toBe('08808080808001');
  });
});

describe('seeded weights', () => {
  for (const { name, shape, seed, first } of golden.seededTensors) {
    it(`of ${name} are those of numpy`, () => {
      expect([...seededTensor({ name, shape }, seed).subarray(0, first.length)]).toEqual(first);
    });
  }
});

describe('folding', () => {
  const conv = (
    name: string,
    inputs: number,
    outputs: number,
    kernel: 1 | 3,
  ): Layer & { conv: ConvSpec } => ({
    kind: 'conv',
    conv: {
      name,
      inputs,
      outputs,
      kernel,
      stride: 1,
      padding: kernel === 1 ? [0, 0, 0, 0] : [1, 1, 1, 1],
      bias: true,
    },
  });
  const first = conv('a', 1, 2, 3);
  const second = conv('b', 2, 3, 1);
  const tensors = new Map([
    ['a.weight', Float32Array.from({ length: 18 }, (_, i) => i)],
    ['a.bias', Float32Array.of(10, 20)],
    ['b.weight', Float32Array.of(1, 0, 0, 2, 1, 1)],
    ['b.bias', Float32Array.of(0, 0, 5)],
  ]);
  const sources = new Map();
  const folded = foldPointwiseConvs({ layers: [first, second], tensors, sources });

  it('leaves one conv with the outputs of the second', () => {
    expect(folded.layers).toEqual([conv('a', 1, 3, 3)]);
  });
  it('multiplies the weights', () => {
    const rows = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    const expected = [...rows, ...rows.map((i) => 2 * (i + 9)), ...rows.map((i) => i + i + 9)];
    expect([...folded.tensors.get('a.weight')!]).toEqual(expected);
  });
  it('carries the bias through', () => {
    expect([...folded.tensors.get('a.bias')!]).toEqual([10, 40, 35]);
  });
  it('drops the tensors of the second', () => {
    expect([...folded.tensors.keys()]).toEqual(['a.weight', 'a.bias']);
  });
  it('leaves the given tensors alone', () => {
    expect(tensors.get('a.bias')).toEqual(Float32Array.of(10, 20));
  });
  it('rounds once', () => {
    // 1 + 2^-24 + 2^-24 is 1 + 2^-23 when it is rounded at the end, and 1 when it is rounded at each step
    const sum = foldPointwiseConvs({
      layers: [conv('a', 1, 2, 1), conv('b', 2, 1, 1)],
      sources,
      tensors: new Map([
        ['a.weight', Float32Array.of(1, 2 ** -24)],
        ['a.bias', Float32Array.of(1, 2 ** -24)],
        ['b.weight', Float32Array.of(1, 1)],
        ['b.bias', Float32Array.of(2 ** -24)],
      ]),
    });
    expect(sum.tensors.get('a.bias')![0]).toBe(1 + 2 ** -23);
  });
  it('keeps a 1×1 conv that does not follow a conv', () => {
    const norm: Layer = {
      kind: 'norm-silu',
      norm: { kind: 'group', name: 'n', channels: 2, groups: 1, epsilon: 1e-6 },
    };
    expect(foldPointwiseConvs({ layers: [first, norm, second], tensors, sources }).layers).toEqual([
      first,
      norm,
      second,
    ]);
  });
});

describe('the graph', () => {
  let weights: VaeEncoderWeights;
  beforeAll(async () => {
    await writeSeededVae(scratch('vae.safetensors'), { seed: 5, ...SMALL });
    weights = await loadVae(scratch('vae.safetensors'), { model: 'sdxl' });
  });

  const graphOf = (vae: VaeEncoderWeights, queryChunks: number, size: GraphSize | 'dynamic' = 'dynamic') =>
    buildEncoderGraph(vae, { type: 'float32', size, queryChunks });

  it('is the same for the same weights', () => {
    const [first, second] = [1, 2].map(() =>
      Buffer.from(encodeModel(graphOf(weights, 8), { external: false })),
    );
    expect(first!.equals(second!)).toBe(true);
  });

  const described = async (size: GraphSize | 'dynamic') => {
    const { inputMetadata, outputMetadata } = await startGraph(graphOf(weights, 8, size));
    return [...inputMetadata, ...outputMetadata];
  };

  it('is a file that onnxruntime describes with free sizes', async () => {
    expect(await described('dynamic')).toEqual([
      expect.objectContaining({ name: 'pixels', type: 'uint8', shape: ['batch', 'height', 'width', 3] }),
      expect.objectContaining({
        name: 'moments',
        type: 'float32',
        shape: ['batch', 8, 'latent_height', 'latent_width'],
      }),
    ]);
  });

  it('has constant sides when it is for one size', async () => {
    expect(await described({ width: 64, height: 48 })).toEqual([
      expect.objectContaining({ shape: ['batch', 48, 64, 3] }),
      expect.objectContaining({ shape: ['batch', 8, 6, 8] }),
    ]);
    const operators = new Set(
      graphOf(weights, 8, { width: 64, height: 48 }).nodes.map((node) => node.operator),
    );
    expect(operators).not.toContain('Shape');
  });

  for (const [height, width] of [
    [8, 8],
    [16, 24],
    [64, 64],
    [72, 40],
    [8, 512],
  ] as const) {
    it(`gives at ${height}×${width} the same for any number of query chunks`, async () => {
      const pixels = seededImage(7, height, width);
      const run = (chunks: number, size: GraphSize | 'dynamic') =>
        runGraph(graphOf(weights, chunks, size), [pixels], height, width);
      const whole = await run(1, 'dynamic');
      for (const chunks of [2, 7, 16]) {
        for (const size of ['dynamic', { width, height }] as const) {
          expect(largestDifference(await run(chunks, size), whole)).toBeLessThan(1e-5);
        }
      }
    });
  }

  it('takes its weights from outside when asked to', async () => {
    const graph = graphOf(weights, 8);
    const pixels = seededImage(7, 64, 48);
    const outside = Buffer.concat(
      externalTensors(graph).map(({ values }) =>
        Buffer.from(values.buffer, values.byteOffset, values.byteLength),
      ),
    );
    const session = await InferenceSession.create(encodeModel(graph, { external: true }), {
      externalData: [{ path: 'weights', data: outside }],
      logSeverityLevel: 4,
    });
    const { moments } = await session.run({ pixels: new Tensor('uint8', pixels, [1, 64, 48, 3]) });
    expect(moments!.data).toEqual(await runGraph(graph, [pixels], 64, 48));
  });

  it('says where unchanged weights lie, byte for byte', async () => {
    const file = readFileSync(weights.path);
    const mapped = graphOf(weights, 8).initializers.filter(({ source }) => source !== undefined);
    for (const { values, source } of mapped) {
      const stored = file.subarray(source!.offset, source!.offset + source!.bytes);
      expect(stored.equals(Buffer.from(values.buffer, values.byteOffset, values.byteLength))).toBe(true);
    }
    // all but the last conv, which is folded
    expect(mapped.length).toBe(tensorsOf(weights.layers).length - 4);
  });
});

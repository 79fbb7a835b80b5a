/** Every VAE in every layout: moments against torch in float64 (test/golden/make_architectures.py), types, rescaling. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import { createOnednnEncoder, ONEDNN_PLUGINS } from '#dist/encoder/onednn/create-encoder.js';
import { FULL_SIZE, strideOf } from '#dist/model/architecture.js';
import type { ModelId } from '#dist/model/catalog.js';
import { tensorsOf } from '#dist/model/layers.js';
import type { VaeLayout } from '#dist/model/layouts/layouts.js';
import { loadVae, type VaeEncoderWeights } from '#dist/model/load-vae.js';
import { checkGraph } from '#dist/model/onnx/check-graph.js';
import { buildEncoderGraph } from '#dist/model/onnx/encoder-graph.js';
import { buildProbeGraph } from '#dist/model/onnx/probe-graph.js';
import { chooseRescaling, rescale, scalePoints } from '#dist/model/rescale.js';
import { type SeededVaeOptions, writeSeededVae } from '#dist/model/seeded-vae.js';
import { layersOf } from '#dist/model/topology.js';
import {
  deviationOf,
  largestDifference,
  rmsDifference,
  scratchFolder,
  seededImage,
} from './encoder-helpers.js';
import { emulated, runGraph } from './graph-helpers.js';

interface ArchitectureCase
  extends Pick<SeededVaeOptions, 'widths' | 'blocksPerLevel' | 'latentChannels' | 'seed'> {
  readonly vae: keyof typeof FULL_SIZE;
  readonly model: ModelId;
  readonly layouts: readonly VaeLayout[];
  readonly imageSeed: number;
  readonly height: number;
  readonly width: number;
  readonly offset: number;
  readonly count: number;
}

const data = new URL('golden/data/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('architectures.json', data), 'utf8')) as {
  cases: readonly ArchitectureCase[];
};
const bytes = readFileSync(new URL('architectures.f32', data));
const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);

const hasOnednn = findPlugins(ONEDNN_PLUGINS).length > 0;
const scratch = scratchFolder();

async function load(one: ArchitectureCase, layout: VaeLayout): Promise<VaeEncoderWeights> {
  const { vae, widths, blocksPerLevel, latentChannels, seed } = one;
  const file = scratch(`${vae}-${seed}-${layout}.safetensors`);
  await writeSeededVae(file, {
    seed,
    vae,
    layout,
    ...(widths && { widths }),
    ...(blocksPerLevel && { blocksPerLevel }),
    ...(latentChannels && { latentChannels }),
  });
  return loadVae(file, { model: one.model });
}

const goldenOf = ({ offset, count }: ArchitectureCase) => values.subarray(offset, offset + count);

/** Log variances as the host clamps them. */
const clamped = (moments: Float32Array) => {
  const half = moments.length / 2;
  return moments.map((value, i) => (i < half ? value : Math.min(20, Math.max(-30, value))));
};

const models = [...new Set(cases.map(({ seed }) => seed))].map((seed) =>
  cases.filter((one) => one.seed === seed),
);

for (const sizes of models) {
  const [one] = sizes as [ArchitectureCase];
  describe(`${one.vae} for model ${one.model}`, { timeout: 30_000 }, () => {
    const byLayout = new Map<VaeLayout, VaeEncoderWeights>();
    let weights: VaeEncoderWeights;
    beforeAll(async () => {
      for (const layout of one.layouts) byLayout.set(layout, await load(one, layout));
      weights = byLayout.get(one.layouts[0]!)!;
    }, 30_000);

    const run = (vae: VaeEncoderWeights, { imageSeed, height, width }: ArchitectureCase, chunks: number) =>
      runGraph(
        buildEncoderGraph(vae, { type: 'float32', size: 'dynamic', queryChunks: chunks }),
        [seededImage(imageSeed, height, width)],
        height,
        width,
      );

    for (const size of sizes) {
      for (const chunks of [1, 3]) {
        it(`gives torch's moments at ${size.width}×${size.height}, attention in ${chunks}`, async () => {
          expect(largestDifference(clamped(await run(weights, size, chunks)), goldenOf(size))).toBeLessThan(
            5e-5,
          );
        });
      }
    }

    it('gives the same for one fixed size', async () => {
      const { height, width, imageSeed } = sizes[1]!;
      const graph = buildEncoderGraph(weights, { type: 'float32', size: { height, width }, queryChunks: 2 });
      const moments = await runGraph(graph, [seededImage(imageSeed, height, width)], height, width);
      expect(largestDifference(clamped(moments), goldenOf(sizes[1]!))).toBeLessThan(5e-5);
    });

    it.skipIf(!hasOnednn)("gives torch's moments on oneDNN", async () => {
      const { height, width, imageSeed } = sizes[1]!;
      const encoder = await createOnednnEncoder(weights, { precision: 'fp32', threads: 1 });
      const images = [seededImage(imageSeed, height, width)];
      const { mean, logvar } = await encoder.encodeBatch({ images, width, height });
      await encoder.dispose();
      expect(largestDifference(Float32Array.of(...mean, ...logvar), goldenOf(sizes[1]!))).toBeLessThan(5e-5);
    });

    it('has the same fingerprint in every layout', () => {
      const prints = new Set([...byLayout.values()].map(({ fingerprint }) => fingerprint));
      expect(prints.size).toBe(1);
    });

    it('tells its layouts apart', () => {
      expect([...byLayout.values()].map(({ sourceLayout }) => sourceLayout)).toEqual(one.layouts);
    });

    it('keeps the rules of graphs in every type at 1024²', () => {
      const square = { width: 1024, height: 1024 };
      for (const type of ['float32', 'float16', 'bfloat16'] as const) {
        const graph = buildEncoderGraph(weights, { type, size: square, queryChunks: 4 });
        expect(() => checkGraph(graph, { count: 1, ...square })).not.toThrow();
      }
    });

    // as model-precision.test.ts, for the full SDXL encoder
    for (const [type, bound] of [
      ['float16', 0.004],
      ['bfloat16', 0.03],
    ] as const) {
      it(`is as close to torch in ${type} as its bits allow`, async () => {
        const { height, width, imageSeed, count } = one;
        const graph = emulated(buildEncoderGraph(weights, { type, size: { height, width }, queryChunks: 2 }));
        const moments = await runGraph(
          graph,
          [seededImage(imageSeed, height, width)],
          height,
          width,
          'disabled',
        );
        const exact = goldenOf(one).subarray(0, count / 2);
        const share = rmsDifference(moments.subarray(0, count / 2), exact) / deviationOf(exact);
        expect(share).toBeLessThan(bound);
        expect(share).toBeGreaterThan(bound / 200);
      });
    }

    it("runs in onnxruntime's own float16", async () => {
      const { height, width, imageSeed, count } = one;
      const graph = buildEncoderGraph(weights, { type: 'float16', size: { height, width }, queryChunks: 2 });
      const moments = await runGraph(graph, [seededImage(imageSeed, height, width)], height, width);
      const exact = goldenOf(one).subarray(0, count / 2);
      expect(rmsDifference(moments.subarray(0, count / 2), exact) / deviationOf(exact)).toBeLessThan(0.004);
    });
  });
}

describe('rescaling', { timeout: 30_000 }, () => {
  const explode = (weights: VaeEncoderWeights): VaeEncoderWeights => {
    const factorOf = (name: string) =>
      /\.conv1\.weight$/.test(name) ? 30000 : /\.conv2\.weight$/.test(name) ? 40000 : 1;
    const tensors = new Map(
      [...weights.tensors].map(([name, own]) => {
        const factor = factorOf(name);
        return [name, factor === 1 ? own : own.map((value) => value * factor)] as const;
      }),
    );
    return { ...weights, tensors, sources: new Map() };
  };

  for (const vae of ['hunyuan-image', 'qwen-image'] as const) {
    const one = cases.find((each) => each.vae === vae)!;
    const { height, width, imageSeed } = one;
    const image = seededImage(imageSeed, height, width);
    const size = { height, width };
    let exploded: VaeEncoderWeights;
    let rescaled: VaeEncoderWeights;
    beforeAll(async () => {
      exploded = explode(await load(one, one.layouts[0]!));
      const maxima = await runGraph(buildProbeGraph(exploded, size), [image], height, width);
      rescaled = rescale(exploded, chooseRescaling(exploded.layers, [maxima]));
    }, 30_000);

    const run = (weights: VaeEncoderWeights) =>
      runGraph(buildEncoderGraph(weights, { type: 'float32', size, queryChunks: 2 }), [image], height, width);
    const runNarrow = (weights: VaeEncoderWeights) =>
      runGraph(
        emulated(buildEncoderGraph(weights, { type: 'float16', size, queryChunks: 2 })),
        [image],
        height,
        width,
        'disabled',
      );

    it(`leaves the float32 bits of ${vae} as they are`, async () => {
      const before = await run(exploded);
      expect(before.every(Number.isFinite)).toBe(true);
      expect(await run(rescaled)).toEqual(before);
    });

    it(`is what keeps ${vae} finite in float16`, async () => {
      expect((await runNarrow(exploded)).every(Number.isFinite)).toBe(false);
    });

    it(`keeps ${vae} near float32 in float16`, async () => {
      const exact = await run(exploded);
      const share = rmsDifference(await runNarrow(rescaled), exact) / deviationOf(exact);
      expect(share).toBeLessThan(0.004);
    });
  }

  it('has nothing to do where there are no norms', async () => {
    const one = cases.find(({ vae }) => vae === 'tiny')!;
    expect(scalePoints((await load(one, 'taesd')).layers)).toEqual([]);
  });
});

describe('full size', () => {
  // vae-architectures.md, table 0, and its section 3.1 for what a single frame needs of Qwen-Image's
  for (const [vae, parameters, stride] of [
    ['sd', 34_163_664, 8],
    ['kl16', 34_274_208, 8],
    ['flux2', 34_425_856, 8],
    ['hunyuan-image', 145_007_552, 32],
    ['tiny', 1_222_532, 8],
  ] as const) {
    it(`${vae} has the parameters and the stride of the original`, () => {
      const specs = tensorsOf(layersOf(FULL_SIZE[vae]));
      const total = specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
      // z more outputs of the last conv of a tiny encoder are ours
      const added = vae === 'tiny' ? 4 * (64 * 9 + 1) : 0;
      expect(total - added).toBe(parameters);
      expect(strideOf(FULL_SIZE[vae])).toBe(stride);
    });
  }
});

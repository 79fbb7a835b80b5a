/** The graph in 16-bit types, and the rescaling that keeps half precision finite: on the full SDXL encoder, seeded weights. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadVae, type VaeEncoderWeights } from '#dist/model/load-vae.js';
import { checkGraph } from '#dist/model/onnx/check-graph.js';
import { buildEncoderGraph } from '#dist/model/onnx/encoder-graph.js';
import { buildProbeGraph } from '#dist/model/onnx/probe-graph.js';
import type { OnnxGraph } from '#dist/model/onnx/schema.js';
import { chooseRescaling, rescale, scalePoints } from '#dist/model/rescale.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { scratchFolder, seededImage } from './encoder-helpers.js';
import { emulated, runGraph } from './graph-helpers.js';

const scratch = scratchFolder();
const size = { width: 64, height: 64 };
const image = seededImage(3, size.height, size.width);
const TYPES = ['float32', 'float16', 'bfloat16'] as const;
let weights: VaeEncoderWeights;

beforeAll(async () => {
  await writeSeededVae(scratch('vae.safetensors'), { seed: 9 });
  weights = await loadVae(scratch('vae.safetensors'), { model: 'sdxl' });
}, 60_000);

const graphOf = (vae: VaeEncoderWeights, type: (typeof TYPES)[number], queryChunks = 2) =>
  buildEncoderGraph(vae, { type, size, queryChunks });
const run = (graph: OnnxGraph) => runGraph(graph, [image], size.height, size.width);
const runNarrow = (graph: OnnxGraph) =>
  runGraph(emulated(graph), [image], size.height, size.width, 'disabled');
const allFinite = (values: Float32Array) => values.every(Number.isFinite);

/** The means: the first half of the moments. */
const means = (moments: Float32Array) => moments.subarray(0, moments.length / 2);

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

function rmse(left: Float32Array, right: Float32Array): number {
  return rms(left.map((value, i) => value - right[i]!));
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return rms(values.map((value) => value - mean));
}

describe('16-bit types', { timeout: 60_000 }, () => {
  let exact: Float32Array;
  beforeAll(async () => {
    exact = means(await run(graphOf(weights, 'float32')));
  }, 60_000);

  // a random encoder in torch: 0.18–0.19 % of the deviation in float16, 1.4–1.6 % in bfloat16
  for (const [type, bound] of [
    ['float16', 0.004],
    ['bfloat16', 0.03],
  ] as const) {
    it(`${type} is as close to float32 as its bits allow`, async () => {
      const got = means(await runNarrow(graphOf(weights, type)));
      const share = rmse(got, exact) / deviation(exact);
      console.log(`${type}: rmse ${(100 * share).toFixed(3)} % of the latent's standard deviation`);
      expect(share).toBeLessThan(bound);
      // and is really rounded
      expect(share).toBeGreaterThan(bound / 100);
    });
  }

  it('float16 agrees between the emulation and onnxruntime', async () => {
    const [ours, theirs] = [
      await runNarrow(graphOf(weights, 'float16')),
      await run(graphOf(weights, 'float16')),
    ];
    expect(rmse(ours, theirs) / deviation(exact)).toBeLessThan(0.004);
  });

  for (const type of TYPES) {
    it(`chunks of the attention make no difference in ${type}`, async () => {
      const [whole, cut] = [
        await runNarrow(graphOf(weights, type, 1)),
        await runNarrow(graphOf(weights, type, 5)),
      ];
      expect(rmse(whole, cut) / deviation(exact)).toBeLessThan(type === 'float32' ? 1e-5 : 1e-3);
    });

    it(`the ${type} graph keeps the rules at every size`, () => {
      for (const side of [512, 1024, 2048]) {
        const square = { width: side, height: side };
        const graph = buildEncoderGraph(weights, { type, size: square, queryChunks: side / 64 });
        expect(() => checkGraph(graph, { count: 1, ...square })).not.toThrow();
      }
    });
  }
});

describe('an encoder that overflows half precision', { timeout: 60_000 }, () => {
  let exploded: VaeEncoderWeights;
  let rescaled: VaeEncoderWeights;
  let exponents: readonly number[];
  let maxima: Float32Array;

  beforeAll(async () => {
    // outputs of first convs of 1e5, and a stream that grows beyond
    const tensors = new Map(
      [...weights.tensors].map(([name, values]) => {
        const factor = /\.conv1\.weight$/.test(name) ? 30000 : /\.conv2\.weight$/.test(name) ? 40000 : 1;
        return [name, factor === 1 ? values : values.map((value) => value * factor)] as const;
      }),
    );
    exploded = { ...weights, tensors, sources: new Map() };
    maxima = await run(buildProbeGraph(exploded, size));
    const rescaling = chooseRescaling(exploded.layers, [maxima]);
    ({ exponents } = rescaling);
    rescaled = rescale(exploded, rescaling);
  }, 60_000);

  it('is measured at every point that has a scale', () => {
    expect(maxima.length).toBe(scalePoints(exploded.layers).length);
    expect(Math.max(...maxima)).toBeGreaterThan(65504);
  });

  it('gets exponents that bring every maximum to 1024 or less, and not below 512', () => {
    const inner = scalePoints(exploded.layers).flatMap(({ kind }, at) => (kind === 'inner' ? [at] : []));
    for (const [at, maximum] of maxima.entries())
      expect(maximum * 2 ** -exponents[at]!).toBeLessThanOrEqual(1024);
    for (const at of inner)
      if (maxima[at]! > 1024) expect(maxima[at]! * 2 ** -exponents[at]!).toBeGreaterThan(512);
  });

  it('has the same float32 bits before and after', async () => {
    const [before, after] = [
      await run(graphOf(exploded, 'float32')),
      await run(graphOf(rescaled, 'float32')),
    ];
    expect(allFinite(before)).toBe(true);
    expect(after).toEqual(before);
  });

  it('is not finite in float16 without rescaling', async () => {
    expect(allFinite(await runNarrow(graphOf(exploded, 'float16')))).toBe(false);
  });

  it('is finite with it, and within 2e-3 of float32', async () => {
    const exact = means(await run(graphOf(exploded, 'float32')));
    const got = means(await runNarrow(graphOf(rescaled, 'float16')));
    console.log(
      `rescaled float16: rmse ${rmse(got, exact).toExponential(2)}, deviation ${deviation(exact).toFixed(3)}`,
    );
    expect(allFinite(got)).toBe(true);
    expect(rmse(got, exact)).toBeLessThan(2e-3);
  });
});

/** The CPU encoder against a plain torch module in float64 (test/golden/make_encoder.py). */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Encoder } from '#dist/encoder/encoder.js';
import { createOnnxruntimeEncoder } from '#dist/encoder/onnxruntime-encoder.js';
import { loadVae } from '#dist/model/load-vae.js';
import { buildEncoderGraph } from '#dist/model/onnx/encoder-graph.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { seededImage as goldenImage } from '#dist/selftest/seeded-images.js';
import {
  type GoldenCase,
  golden,
  goldenMoments,
  goldenNetworks,
  largestDifference,
  scratchFolder,
  seededImage,
} from './encoder-helpers.js';
import { runGraph } from './graph-helpers.js';

const scratch = scratchFolder();

async function start({ model, seed, widths, blocks }: GoldenCase): Promise<Encoder> {
  const file = scratch(`${seed}.safetensors`);
  await writeSeededVae(file, { seed, widths, blocksPerLevel: blocks });
  return createOnnxruntimeEncoder(await loadVae(file, { model }));
}

/** Largest errors that the project accepts; float32 noise is ten times smaller. */
function tolerance({ height, width }: { height: number; width: number }): number {
  return height * width <= 256 * 256 ? 1e-4 : 2e-4;
}

for (const cases of goldenNetworks()) {
  const { widths, seed } = cases[0]!;
  describe(`widths ${widths.join(', ')}, seed ${seed}`, () => {
    let encoder: Encoder;
    beforeAll(async () => {
      encoder = await start(cases[0]!);
    }, 60_000);
    afterAll(() => encoder.dispose());

    for (const one of cases) {
      it(`gives torch's moments for ${one.name}`, { timeout: 120_000 }, async () => {
        const { image, imageSeed, height, width } = one;
        const moments = await encoder.encodeBatch({
          images: [goldenImage(image, imageSeed, height, width)],
          width,
          height,
        });
        const expected = goldenMoments(one);
        expect(largestDifference(moments.mean, expected.mean)).toBeLessThan(tolerance(one));
        expect(largestDifference(moments.logvar, expected.logvar)).toBeLessThan(tolerance(one));
      });
    }
  });
}

describe('the graph for one size', () => {
  for (const one of golden.cases.filter(({ name }) => name.startsWith('reduced'))) {
    it(`gives torch's moments for ${one.name}`, async () => {
      const { seed, widths, blocks, height, width, imageSeed } = one;
      const file = scratch('static.safetensors');
      await writeSeededVae(file, { seed, widths, blocksPerLevel: blocks });
      const weights = await loadVae(file, { model: 'sdxl' });
      const graph = buildEncoderGraph(weights, { type: 'float32', size: { width, height }, queryChunks: 3 });
      const moments = await runGraph(graph, [seededImage(imageSeed, height, width)], height, width);
      const { mean, logvar } = goldenMoments(one);
      expect(largestDifference(moments, Float32Array.of(...mean, ...logvar))).toBeLessThan(tolerance(one));
    });
  }
});

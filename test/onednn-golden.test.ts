/** The oneDNN encoder, in every precision of this machine, against a plain torch module (test/golden/make_encoder.py). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Encoder, Moments } from '#dist/encoder/encoder.js';
import { findPlugins } from '#dist/encoder/find-plugins.js';
import { createOnednnEncoder } from '#dist/encoder/onednn/create-encoder.js';
import { loadVae } from '#dist/model/load-vae.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { loadBinding } from '#dist/native/load.js';
import { seededImage as goldenImage } from '#dist/selftest/seeded-images.js';
import {
  deviationOf,
  type GoldenCase,
  goldenMoments,
  goldenNetworks,
  largestDifference,
  rmsDifference,
  scratchFolder,
} from './encoder-helpers.js';

const scratch = scratchFolder();
const [plugin] = findPlugins(['liblatent_cache_onednn.so']);
const available = plugin ? (await loadBinding().probeBackend({ plugin, libraryFolders: [] })).precisions : [];

/** Times the deviation of the output: two right float32 implementations differ by as much. */
const limitOf = ({ height, width }: GoldenCase) => (height * width <= 256 * 256 ? 5e-5 : 2e-4);

async function encode(encoder: Encoder, { image, imageSeed, height, width }: GoldenCase): Promise<Moments> {
  return encoder.encodeBatch({ images: [goldenImage(image, imageSeed, height, width)], width, height });
}

for (const cases of goldenNetworks()) {
  const { model, seed, widths, blocks } = cases[0]!;
  // one encoder for both models: what differs is how their files name it
  const layout = model === 'sd' ? 'checkpoint' : 'diffusers';

  describe.each(['fp32', 'bf16x3', 'bf16'] as const)(`${model}, ${widths.join(' ')}, in %s`, (precision) => {
    const isThere = available.includes(precision);
    const label = isThere ? '' : ` (this machine has ${available.join(', ') || 'no oneDNN plug-in'})`;
    let encoder: Encoder;
    beforeAll(async () => {
      if (!isThere) return;
      const file = scratch(`${seed}.safetensors`);
      await writeSeededVae(file, { seed, widths, blocksPerLevel: blocks, layout, model });
      encoder = await createOnednnEncoder(await loadVae(file, { model }), { precision });
    }, 60_000);
    afterAll(() => encoder?.dispose());

    if (precision === 'bf16') {
      // few values are as near or as far as chance has it
      for (const one of cases.filter(({ count }) => count >= 250)) {
        it.skipIf(!isThere)(
          `is as near to torch as its own bfloat16: ${one.name}${label}`,
          { timeout: 60_000 },
          async () => {
            const moments = await encode(encoder, one);
            const expected = goldenMoments(one);
            for (const moment of ['mean', 'logvar'] as const) {
              const { rmse } = one.bfloat16[moment];
              expect(rmsDifference(moments[moment], expected[moment]), moment).toBeLessThanOrEqual(rmse);
            }
          },
        );
      }
      return;
    }
    for (const one of cases) {
      it.skipIf(!isThere)(`gives torch's moments for ${one.name}${label}`, { timeout: 60_000 }, async () => {
        const moments = await encode(encoder, one);
        const expected = goldenMoments(one);
        for (const moment of ['mean', 'logvar'] as const) {
          const error = largestDifference(moments[moment], expected[moment]) / deviationOf(expected[moment]);
          expect(error, moment).toBeLessThan(limitOf(one));
        }
      });
    }
  });
}

/** What TensorRT is given of each VAE: calibration, scales, and networks that no cache of engines mixes up. */
import { describe, expect, it } from 'vitest';
import { CALIBRATION_SIZE, calibrationImages } from '#dist/encoder/tensorrt/calibration-images.js';
import { shapeOf, staticSpec } from '#dist/encoder/tensorrt/engine-spec.js';
import { Networks } from '#dist/encoder/tensorrt/networks.js';
import type { Precision } from '#dist/encoder/tensorrt/precision.js';
import { strideOf, type VaeKind } from '#dist/model/architecture.js';
import type { ModelId } from '#dist/model/catalog.js';
import { loadVae, type VaeEncoderWeights } from '#dist/model/load-vae.js';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { scratchFolder } from './encoder-helpers.js';

const scratch = scratchFolder();
const KL = [32, 32, 32, 32];
const CASES: readonly (readonly [VaeKind, ModelId, readonly number[]])[] = [
  ['sd', 'sdxl', KL],
  ['kl16', 'flux', KL],
  ['flux2', 'flux2', KL],
  ['hunyuan-image', 'hunyuan-image', [32, 32, 32, 64, 64, 128]],
  ['qwen-image', 'qwen-image', KL],
  ['tiny', 'sd', KL],
];

async function load(vae: VaeKind, model: ModelId, widths: readonly number[]): Promise<VaeEncoderWeights> {
  const file = scratch(`${vae}.safetensors`);
  await writeSeededVae(file, { seed: 8, vae, widths, blocksPerLevel: 1 });
  return loadVae(file, { model });
}

function networksOf(weights: VaeEncoderWeights): Networks {
  const networks = new Networks(weights, 'auto');
  // as if samples had gone as far as 5000 everywhere
  const maxima = [new Float32Array(networks.probeLength).fill(5000)];
  networks.setRescaling(networks.chooseRescaling(maxima));
  return networks;
}

const PRECISIONS: readonly Precision[] = ['fp32', 'tf32', 'bf16', 'fp16'];
const SIZE = { width: 256, height: 128 };

describe.each(CASES)('the VAE %s', (vae, model, widths) => {
  it('takes the calibration images', async () => {
    const { architecture } = await load(vae, model, widths);
    expect(CALIBRATION_SIZE.width % strideOf(architecture)).toBe(0);
    expect(CALIBRATION_SIZE.height % strideOf(architecture)).toBe(0);
    expect(calibrationImages([])).toHaveLength(3);
  });

  it('has a network within the limits in every precision', async () => {
    const networks = networksOf(await load(vae, model, widths));
    for (const precision of PRECISIONS) {
      const network = networks.network(staticSpec('bucket', precision, SIZE));
      expect(() => network.check(shapeOf(SIZE, 4)), precision).not.toThrow();
    }
  });

  it('has scales in fp16 alone, and none where nothing is normalised', async () => {
    const networks = networksOf(await load(vae, model, widths));
    const exponents = (precision: Precision) =>
      networks.network(staticSpec('bucket', precision, SIZE)).exponents;
    expect(exponents('bf16')).toBeNull();
    // 5000 / 2³ is below 1024
    const expected = vae === 'tiny' ? [] : Array(networks.probeLength).fill(3);
    expect(exponents('fp16')).toEqual(expected);
  });
});

it('no two VAEs have the same graph and the same weights', async () => {
  const ids = new Set<string>();
  for (const [vae, model, widths] of CASES) {
    const { model: graph, weightsId } = networksOf(await load(vae, model, widths)).network(
      staticSpec('bucket', 'fp16', SIZE),
    );
    ids.add(`${weightsId} ${Buffer.from(graph).toString('base64')}`);
  }
  expect(ids.size).toBe(CASES.length);
});

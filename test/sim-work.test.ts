/** What simulated cards are told of an encoder, against counts made elsewhere. */
import { describe, expect, it } from 'vitest';
import { costOf } from '#dist/encoder/sim/work.js';
import { FULL_SIZE, strideOf } from '#dist/model/architecture.js';
import { encoderOperations } from '#dist/model/operations.js';
import { layersOf } from '#dist/model/topology.js';

describe('the work of an image', () => {
  // a script over the layers of SD's encoder, whose parameters add up to the known 34.16 million
  it.each([
    [512, 1.117, 2.77],
    [768, 2.609, 6.23],
    [1024, 4.879, 11.1],
    [1536, 12.52, 24.9],
    [2048, 26.11, 44.3],
  ])('of %d² is what is known of SD', (side, teraOperations, gigabytes) => {
    const { operations, pairs, elements } = costOf(FULL_SIZE.sd);
    const total = operations * side ** 2 + pairs * (side / 8) ** 4;
    expect(total / 1e12 / teraOperations).toBeCloseTo(1, 2);
    expect((2 * elements * side ** 2) / 1e9 / gigabytes).toBeCloseTo(1, 2);
  });

  it.each(
    Object.keys(FULL_SIZE) as (keyof typeof FULL_SIZE)[],
  )('of %s has the operations of its layers', (vae) => {
    const architecture = FULL_SIZE[vae];
    const { operations, pairs } = costOf(architecture);
    const size = { width: 768, height: 512 };
    const tokens = (size.width * size.height) / strideOf(architecture) ** 2;
    const total = operations * size.width * size.height + pairs * tokens ** 2;
    expect(total / encoderOperations(layersOf(architecture), size)).toBeCloseTo(1, 12);
  });

  it('of a narrow encoder is that of the full one', () => {
    expect(costOf({ ...FULL_SIZE['qwen-image'], widths: [32, 32, 32, 32] })).toEqual(
      costOf(FULL_SIZE['qwen-image']),
    );
  });
});

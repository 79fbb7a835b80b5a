/** Latents as networks learn on them, and back, against torch in float64 (test/golden/make_normalise.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MODELS, type ModelId } from '#dist/model/catalog.js';
import { type LatentShape, normaliseLatent, rawLatent } from '#dist/model/normalise.js';

interface NormaliseCase {
  readonly model: ModelId;
  readonly shape: LatentShape;
  readonly raw: string;
  readonly normalShape: LatentShape;
  readonly normal: string;
  readonly mean?: string;
  readonly variance?: string;
}

const { cases } = JSON.parse(
  readFileSync(new URL('golden/data/normalise.json', import.meta.url), 'utf8'),
) as { cases: readonly NormaliseCase[] };

const floats = (text: string) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);

const statisticsOf = ({ mean, variance }: NormaliseCase) =>
  mean === undefined || variance === undefined
    ? undefined
    : { mean: floats(mean), variance: floats(variance) };

/** Largest error in units of the last place of the right value, or of 1e-3 where that is smaller. */
function ulps(values: Float32Array, right: Float32Array): number {
  expect(values.length).toBe(right.length);
  const errors = Array.from(values, (value, i) => {
    const place = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(right[i]!), 1e-3))) - 23);
    return Math.abs(value - right[i]!) / place;
  });
  return Math.max(...errors);
}

for (const one of cases) {
  const facts = MODELS[one.model];
  it(`normalises a latent of ${one.model} as torch does`, () => {
    const { values, shape } = normaliseLatent(facts, floats(one.raw), one.shape, statisticsOf(one));
    expect(shape).toEqual(one.normalShape);
    expect(ulps(values, floats(one.normal))).toBeLessThanOrEqual(1);
  });

  it(`brings a latent of ${one.model} back`, () => {
    const { values, shape } = rawLatent(facts, floats(one.normal), one.normalShape, statisticsOf(one));
    expect(shape).toEqual(one.shape);
    const raw = floats(one.raw);
    // a shift costs digits of small values, a division by a small deviation multiplies the rounding
    for (const [i, value] of values.entries()) expect(Math.abs(value - raw[i]!)).toBeLessThan(1e-6);
  });
}

describe('refusals', () => {
  const flux2 = cases.find(({ model }) => model === 'flux2')!;

  for (const shape of [
    [32, 3, 8],
    [32, 8, 3],
  ] as const) {
    it(`patches of a latent of ${shape[1]}×${shape[2]}`, () => {
      const latent = new Float32Array(32 * 24);
      expect(() => normaliseLatent(MODELS.flux2, latent, shape, statisticsOf(flux2))).toThrow(/even sides/);
    });
  }

  it('patches without statistics', () => {
    expect(() => normaliseLatent(MODELS.flux2, floats(flux2.raw), flux2.shape)).toThrow(/128 patch channels/);
  });

  it('statistics of another model', () => {
    const statistics = { mean: new Float32Array(64), variance: new Float32Array(64) };
    expect(() => normaliseLatent(MODELS.flux2, floats(flux2.raw), flux2.shape, statistics)).toThrow(/got 64/);
  });

  it('a latent with the channels of another model', () => {
    expect(() => normaliseLatent(MODELS.sdxl, new Float32Array(16 * 4), [16, 2, 2])).toThrow(/4 channels/);
  });

  it('a shape that is not that of the values', () => {
    expect(() => rawLatent(MODELS.sdxl, new Float32Array(15), [4, 2, 2])).toThrow(/15 values/);
  });
});

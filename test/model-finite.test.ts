/** The search for NaN, infinity and what no latent holds. */
import { describe, expect, it } from 'vitest';
import { absurdMagnitude, allFinite } from '#dist/model/finite.js';

describe('allFinite', () => {
  it('accepts ordinary values', () => {
    expect(allFinite(Float32Array.of(0, -0, 1e-45, -3.4e38, 3.4e38))).toBe(true);
  });
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    it(`finds ${value} among others`, () => {
      const values = new Float32Array(1001).fill(3e38);
      values[777] = value;
      expect(allFinite(values)).toBe(false);
    });
  }
  it('is not misled by infinities that cancel', () => {
    expect(allFinite(Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY))).toBe(false);
  });
});

describe('absurdMagnitude', () => {
  it('accepts the latents of real images: 40 standard deviations of SDXL', () => {
    expect(absurdMagnitude(Float32Array.of(0, -1, 40 / 0.13025, -40 / 0.13025))).toBeUndefined();
  });
  for (const value of [1001, -65504, Number.NaN, Number.NEGATIVE_INFINITY]) {
    it(`finds ${value}`, () => {
      const values = new Float32Array(1001).fill(7);
      values[777] = value;
      expect(absurdMagnitude(values)).toBe(value);
    });
  }
});

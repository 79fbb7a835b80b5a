/** Samples of the posterior against mpmath and against the normal distribution, and the seeds they start from. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { posteriorMean, samplePosterior, seedForImage } from '#dist/model/posterior.js';
import { loadBinding } from '#dist/native/load.js';

const binding = loadBinding();

/** Mean 0, variance 1. */
function noiseOf(count: number, seed: bigint): Float32Array {
  return samplePosterior(new Float32Array(count), new Float32Array(count), seed, binding);
}

describe('samples', () => {
  /** As test/golden/make_posterior.py writes them: exact, rounded to float32 once. */
  const cases = JSON.parse(
    readFileSync(new URL('golden/data/posterior.json', import.meta.url), 'utf8'),
  ) as readonly { seed: string; mean: number[]; logvar: number[]; latent: number[] }[];

  for (const { seed, mean, logvar, latent } of cases) {
    it(`equal mpmath's for seed ${seed} and ${mean.length} values`, () => {
      const sample = samplePosterior(
        Float32Array.from(mean),
        Float32Array.from(logvar),
        BigInt(seed),
        binding,
      );
      expect([...sample]).toEqual(latent);
    });
  }

  it('leave mean and log variance as they are', () => {
    const mean = Float32Array.of(1, -2, 0.5);
    const logvar = Float32Array.of(0, 1, -30);
    samplePosterior(mean, logvar, 8n, binding);
    expect([[...mean], [...logvar]]).toEqual([
      [1, -2, 0.5],
      [0, 1, -30],
    ]);
  });
});

describe('Gaussian noise', () => {
  const count = 200_000;
  const noise = Float64Array.from(noiseOf(count, 12345n));
  const average = (value: (n: number) => number) => noise.reduce((sum, n) => sum + value(n), 0) / count;

  // five standard errors of each moment: 1/√N, √(2/N), √(15/N), √(96/N)
  for (const [power, expected, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ] as const) {
    it(`has the moment ${power} of a normal distribution`, () => {
      expect(Math.abs(average((n) => n ** power) - expected)).toBeLessThan(5 * Math.sqrt(variance / count));
    });
  }

  it('has the quantiles of a normal distribution', () => {
    const sorted = noise.toSorted();
    // P(n < z) for z = −1.96, −1, 0, 1, 1.96
    for (const [z, probability] of [
      [-1.959964, 0.025],
      [-1, 0.158655],
      [0, 0.5],
      [1, 0.841345],
      [1.959964, 0.975],
    ] as const) {
      expect(sorted[Math.floor(probability * count)]).toBeCloseTo(z, 1);
    }
  });

  it('has no correlation between neighbours', () => {
    const product = noise.reduce((sum, n, i) => sum + n * (noise[i + 1] ?? 0), 0) / count;
    expect(Math.abs(product)).toBeLessThan(5 / Math.sqrt(count));
  });

  it('is a prefix of longer noise of the same seed', () => {
    expect(noiseOf(7, 99n)).toEqual(noiseOf(20, 99n).subarray(0, 7));
  });

  it('uses all 64 bits of the seed', () => {
    expect(noiseOf(4, 1n << 63n)).not.toEqual(noiseOf(4, 0n));
  });
});

describe('latents and seeds', () => {
  it('the mean is a copy', () => {
    const mean = Float32Array.of(1, 2);
    posteriorMean(mean)[0] = 5;
    expect(mean[0]).toBe(1);
  });

  it('the seed of an image is the start of a SHA-256', () => {
    const digest = createHash('sha256').update('latent-cache noise\n42\na/b.png').digest();
    expect(seedForImage(42, 'a/b.png')).toBe(digest.readBigUInt64LE(0));
  });

  it('images with different keys have different seeds', () => {
    expect(seedForImage(42, 'a')).not.toBe(seedForImage(42, 'b'));
  });
});

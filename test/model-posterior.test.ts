/** Philox, the Gaussian noise made from it, and the latent made from the moments. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allFinite } from '#dist/model/finite.js';
import { philox4x32 } from '#dist/model/philox.js';
import { gaussianNoise, posteriorMean, samplePosterior, seedForImage } from '#dist/model/posterior.js';

describe('Philox4x32-10', () => {
  // Random123, tests/kat_vectors: counter, key, result
  const vectors: [counter: number[], key: [number, number], words: number[]][] = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  for (const [counter, key, words] of vectors) {
    it(`gives the published words for counter ${counter[0]!.toString(16)}…`, () => {
      const block = Uint32Array.from(counter);
      philox4x32(block, ...key);
      expect([...block]).toEqual(words);
    });
  }

  it('gives the words of the formula in big integers', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), word, word, (counter, key0, key1) => {
        const block = Uint32Array.from(counter);
        philox4x32(block, key0, key1);
        expect([...block]).toEqual(plainPhilox(counter, key0, key1));
      }),
    );
  });

  function plainPhilox(counter: readonly number[], key0: number, key1: number): number[] {
    let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
    const mask = 0xffffffffn;
    for (let round = 0n; round < 10n; round++) {
      const left = a * 0xd2511f53n;
      const right = c * 0xcd9e8d57n;
      const k0 = (BigInt(key0) + round * 0x9e3779b9n) & mask;
      const k1 = (BigInt(key1) + round * 0xbb67ae85n) & mask;
      [a, b, c, d] = [(right >> 32n) ^ b ^ k0, right & mask, (left >> 32n) ^ d ^ k1, left & mask];
    }
    return [a, b, c, d].map(Number);
  }
});

describe('Gaussian noise', () => {
  const count = 200_000;
  const noise = gaussianNoise(count, 12345n);
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
    expect(gaussianNoise(7, 99n)).toEqual(gaussianNoise(20, 99n).subarray(0, 7));
  });

  it('uses all 64 bits of the seed', () => {
    expect(gaussianNoise(4, 1n << 63n)).not.toEqual(gaussianNoise(4, 0n));
  });

  it('follows Box and Muller from the published Philox words', () => {
    const uniform = (high: number, low: number) => ((high >>> 6) * 2 ** 26 + (low >>> 6) + 0.5) / 2 ** 52;
    const radius = Math.sqrt(-2 * Math.log(uniform(0x6627e8d5, 0xe169c58d)));
    const angle = 2 * Math.PI * uniform(0xbc57ac4c, 0x9b00dbd8);
    expect([...gaussianNoise(2, 0n)]).toEqual([radius * Math.cos(angle), radius * Math.sin(angle)]);
  });
});

describe('latents', () => {
  it('the mean is a copy', () => {
    const mean = Float32Array.of(1, 2);
    posteriorMean(mean)[0] = 5;
    expect(mean[0]).toBe(1);
  });

  it('a sample is mean + exp(logvar / 2) · noise', () => {
    const mean = Float32Array.of(1, -2, 0.5);
    const logvar = Float32Array.of(0, Math.log(4), -30);
    const noise = gaussianNoise(3, 8n);
    const expected = [1 + noise[0]!, -2 + 2 * noise[1]!, 0.5].map(Math.fround);
    const sample = samplePosterior(mean, logvar, 8n);
    expect(sample.every((value, i) => Math.abs(value - expected[i]!) < 2e-6)).toBe(true);
  });

  it('the seed of an image is the start of a SHA-256', () => {
    const digest = createHash('sha256').update('latent-cache noise\n42\na/b.png').digest();
    expect(seedForImage(42, 'a/b.png')).toBe(digest.readBigUInt64LE(0));
  });

  it('images with different keys have different seeds', () => {
    expect(seedForImage(42, 'a')).not.toBe(seedForImage(42, 'b'));
  });
});

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

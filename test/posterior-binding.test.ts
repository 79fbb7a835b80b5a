/** `splitMoments` and `samplePosterior` of the addon: rows, and arguments that do not fit. */
import { describe, expect, it } from 'vitest';
import { LatentCacheError } from '#dist/errors.js';
import { loadBinding } from '#dist/native/load.js';

const binding = loadBinding();

function messageOf(call: () => void): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(LatentCacheError);
    expect((error as LatentCacheError).code).toBe('ERR_ARGUMENT');
    return (error as LatentCacheError).message;
  }
  return '';
}

describe('splitMoments', () => {
  it('takes rows apart, clamps log variances and marks rows that are not finite', () => {
    const moments = Float32Array.of(1, 2, -40, 25, Number.NaN, 4, 5, 6, 7, 8, 9, Number.NEGATIVE_INFINITY);
    const mean = new Float32Array(6);
    const logvar = new Float32Array(6);
    const finite = new Uint8Array(3).fill(9);
    binding.splitMoments(moments, -30, 20, mean, logvar, finite);
    expect([...mean]).toEqual([1, 2, Number.NaN, 4, 7, 8]);
    expect([...logvar]).toEqual([-30, 20, 5, 6, 9, -30]);
    expect([...finite]).toEqual([1, 0, 0]);
  });

  const floats = (length: number) => new Float32Array(length);
  it.each([
    ['moments', 'rows that are not equally long', floats(20), -30, 20, floats(10), floats(10), 3],
    ['moments', 'an odd number of values', floats(21), -30, 20, floats(10), floats(10), 2],
    ['moments', 'values without rows', floats(20), -30, 20, floats(10), floats(10), 0],
    ['mean', 'means of another length', floats(20), -30, 20, floats(9), floats(10), 2],
    ['logvar', 'log variances of another length', floats(20), -30, 20, floats(10), floats(11), 2],
    ['minimum', 'a minimum above the maximum', floats(20), 20, -30, floats(10), floats(10), 2],
    ['minimum', 'a bound that is NaN', floats(20), Number.NaN, 20, floats(10), floats(10), 2],
  ] as const)('names %s for %s', (name, _what, moments, low, high, mean, logvar, rows) => {
    const call = () => binding.splitMoments(moments, low, high, mean, logvar, new Uint8Array(rows));
    expect(messageOf(call)).toContain(name);
  });
});

describe('samplePosterior', () => {
  const three = new Float32Array(3);

  it.each([
    ['a number', 5],
    ['a negative bigint', -1n],
    ['more than 64 bits', 1n << 64n],
  ])('refuses %s as seed', (_what, seed) => {
    const call = () => binding.samplePosterior(three, three, seed as bigint, new Float32Array(3));
    expect(messageOf(call)).toContain('seed');
  });

  it.each([
    ['logvar', new Float32Array(2), new Float32Array(3)],
    ['latent', new Float32Array(3), new Float32Array(4)],
    ['latent', new Float32Array(3), new Float64Array(3) as unknown as Float32Array],
  ])('refuses %s that does not fit the mean', (name, logvar, latent) => {
    expect(messageOf(() => binding.samplePosterior(three, logvar, 1n, latent))).toContain(name);
  });

  it('accepts arrays without values', () => {
    const none = new Float32Array(0);
    expect(messageOf(() => binding.samplePosterior(none, none, 1n, none))).toBe('');
  });
});

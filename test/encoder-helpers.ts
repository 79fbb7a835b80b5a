/** What the encoder tests share: a scratch folder, seeded images, the golden vectors of make_encoder.py. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { ModelId } from '#dist/model/catalog.js';
import { seededImage as goldenImage, type ImageKind } from '#dist/selftest/seeded-images.js';

export interface GoldenCase {
  readonly model: ModelId;
  readonly name: string;
  readonly widths: readonly number[];
  readonly blocks: number;
  readonly latentChannels: number;
  readonly height: number;
  readonly width: number;
  readonly seed: number;
  readonly image: ImageKind;
  readonly imageSeed: number;
  readonly offset: number;
  readonly count: number;
  /** How far bfloat16 arithmetic is from float64. */
  readonly bfloat16: Readonly<Record<'mean' | 'logvar', { readonly rmse: number; readonly max: number }>>;
}

export interface SeededTensorSample {
  readonly name: string;
  readonly shape: readonly number[];
  readonly seed: number;
  readonly first: readonly number[];
}

const dataFolder = new URL('golden/data/', import.meta.url);

export const golden = JSON.parse(readFileSync(new URL('encoder.json', dataFolder), 'utf8')) as {
  readonly cases: readonly GoldenCase[];
  readonly seededTensors: readonly SeededTensorSample[];
};

const goldenValues = readFileSync(new URL('encoder.f32', dataFolder));

export function goldenMoments({ offset, count }: GoldenCase): { mean: Float32Array; logvar: Float32Array } {
  const values = new Float32Array(goldenValues.buffer, goldenValues.byteOffset, goldenValues.byteLength / 4);
  return {
    mean: values.subarray(offset, offset + count),
    logvar: values.subarray(offset + count, offset + 2 * count),
  };
}

/** (height, width, 3) uint8: ramps with noise in the low bits. */
export function seededImage(seed: number, height: number, width: number): Uint8Array {
  return goldenImage('ramps', seed, height, width);
}

/** The golden cases of one network each: they share their weights. */
export function goldenNetworks(): GoldenCase[][] {
  const seeds = [...new Set(golden.cases.map(({ seed }) => seed))];
  return seeds.map((seed) => golden.cases.filter((one) => one.seed === seed));
}

export function largestDifference(left: Float32Array, right: Float32Array): number {
  if (left.length !== right.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  // written so that NaN does not slip through
  for (let i = 0; i < left.length; i++)
    if (!(Math.abs(left[i]! - right[i]!) <= largest)) largest = Math.abs(left[i]! - right[i]!);
  return largest;
}

/** Root of the mean of the squared differences. */
export function rmsDifference(left: Float32Array, right: Float32Array): number {
  return Math.sqrt(left.reduce((sum, value, i) => sum + (value - right[i]!) ** 2, 0) / left.length);
}

export function deviationOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** A folder that lives as long as the test file; call it at the top level. */
export function scratchFolder(): (name: string) => string {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return (name) => path.join(folder, name);
}

/** The smallest encoder that has every kind of layer: four levels, shortcut convs, one block each. */
export const SMALL = { widths: [32, 64, 64, 64], blocksPerLevel: 1 } as const;

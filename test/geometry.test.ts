import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BucketSelector, type BucketSettings, type Size } from '#dist/dataset/bucket.js';
import { type Geometry, planGeometry } from '#dist/dataset/geometry.js';
import { LatentCacheError } from '#dist/errors.js';

/** As test/golden/make_geometry.py writes them. */
interface GoldenSettings {
  resolution: [number, number];
  enable_bucket: boolean;
  min_bucket_reso: number;
  max_bucket_reso: number;
  bucket_reso_steps: number;
  bucket_no_upscale: boolean;
}
interface GoldenCase {
  size: [number, number];
  refused?: 'image' | 'settings';
  bucket?: [number, number];
  resized?: [number, number];
  crop?: [number, number];
  crop_ltrb?: [number, number, number, number];
}

function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`golden/data/${name}`, import.meta.url), 'utf8')) as T;
}

function toSettings(settings: GoldenSettings): BucketSettings {
  const [width, height] = settings.resolution;
  return {
    resolution: { width, height },
    enableBucket: settings.enable_bucket,
    minBucketReso: settings.min_bucket_reso,
    maxBucketReso: settings.max_bucket_reso,
    bucketResoSteps: settings.bucket_reso_steps,
    bucketNoUpscale: settings.bucket_no_upscale,
  };
}

function flatten({ original, bucket, resized, crop, cropLtrb }: Geometry): GoldenCase {
  return {
    size: [original.width, original.height],
    bucket: [bucket.width, bucket.height],
    resized: [resized.width, resized.height],
    crop: [crop.left, crop.top],
    crop_ltrb: [...cropLtrb],
  };
}

function evaluate(settings: GoldenSettings, size: [number, number]): GoldenCase {
  let selector: BucketSelector;
  try {
    selector = new BucketSelector(toSettings(settings));
  } catch (error) {
    expect((error as LatentCacheError).code).toBe('ERR_OPTION');
    return { size, refused: 'settings' };
  }
  try {
    return flatten(planGeometry(selector, { width: size[0], height: size[1] }));
  } catch (error) {
    expect((error as LatentCacheError).code).toBe('ERR_IMAGE_TOO_SMALL');
    return { size, refused: 'image' };
  }
}

interface Table {
  settings: { upscale: GoldenSettings; no_upscale: GoldenSettings };
  rows: { upscale: GoldenCase; no_upscale: GoldenCase }[];
  bucket_lists: { settings: GoldenSettings; buckets: [number, number][] }[];
}
const table = golden<Table>('geometry-table.json');

describe('the reference table of the format note', () => {
  for (const row of table.rows) {
    const title = row.upscale.size.join('x');
    it(`places ${title}`, () => {
      expect(evaluate(table.settings.upscale, row.upscale.size)).toEqual(row.upscale);
    });
    it(`places ${title} without upscaling`, () => {
      expect(evaluate(table.settings.no_upscale, row.no_upscale.size)).toEqual(row.no_upscale);
    });
  }
  for (const { settings, buckets } of table.bucket_lists) {
    it(`lists the ${buckets.length} buckets of ${settings.resolution.join('x')}`, () => {
      const list = new BucketSelector(toSettings(settings)).buckets.map(({ width, height }) => [
        width,
        height,
      ]);
      expect(list).toEqual(buckets);
    });
  }
});

describe('random sizes and settings', () => {
  const groups = golden<{ settings: GoldenSettings; cases: GoldenCase[] }[]>('geometry-random.json');
  for (const [index, { settings, cases }] of groups.entries()) {
    it(`group ${index} equals the independent Python implementation`, () => {
      expect(cases.map(({ size }) => evaluate(settings, size))).toEqual(cases);
    });
  }
});

const sides = fc.record({
  width: fc.integer({ min: 1, max: 20_000 }),
  height: fc.integer({ min: 1, max: 20_000 }),
});
const settings: fc.Arbitrary<BucketSettings> = fc
  .record({
    side: fc.integer({ min: 4, max: 32 }),
    steps: fc.constantFrom(32, 64, 128),
    bucketNoUpscale: fc.boolean(),
    enableBucket: fc.boolean(),
  })
  .map(({ side, steps, ...rest }) => ({
    resolution: { width: side * 64, height: side * 64 },
    minBucketReso: 128,
    maxBucketReso: side * 128,
    bucketResoSteps: steps,
    ...rest,
  }));

/** Runs the check for every image that is not refused as too small. */
function forEachPlacement(check: (image: Size, geometry: Geometry, settings: BucketSettings) => void): void {
  fc.assert(
    fc.property(settings, sides, (chosen, image) => {
      try {
        check(image, planGeometry(new BucketSelector(chosen), image), chosen);
      } catch (error) {
        if (!(error instanceof LatentCacheError) || error.code !== 'ERR_IMAGE_TOO_SMALL') throw error;
      }
    }),
    { numRuns: 2000 },
  );
}

describe('every placement', () => {
  it('resizes to at least the bucket', () => {
    forEachPlacement((_image, { bucket, resized }) => {
      expect(resized.width).toBeGreaterThanOrEqual(bucket.width);
      expect(resized.height).toBeGreaterThanOrEqual(bucket.height);
    });
  });

  it('cuts the bucket from inside the resized image', () => {
    forEachPlacement((_image, { bucket, resized, crop }) => {
      expect(crop.left).toBeGreaterThanOrEqual(0);
      expect(crop.left + bucket.width).toBeLessThanOrEqual(resized.width);
      expect(crop.top + bucket.height).toBeLessThanOrEqual(resized.height);
    });
  });

  it('has sides on the step when buckets are on', () => {
    forEachPlacement((_image, { bucket }, { enableBucket, bucketResoSteps }) => {
      if (!enableBucket) return;
      expect(bucket.width % bucketResoSteps).toBe(0);
      expect(bucket.height % bucketResoSteps).toBe(0);
    });
  });

  it('never enlarges without upscaling', () => {
    forEachPlacement((image, { resized }, { enableBucket, bucketNoUpscale }) => {
      if (!enableBucket || !bucketNoUpscale) return;
      expect(resized.width).toBeLessThanOrEqual(image.width);
      expect(resized.height).toBeLessThanOrEqual(image.height);
    });
  });
});

/** Rows for tests of the manifest. */
import fc from 'fast-check';
import type { CacheRow } from '#dist/manifest/rows.js';

export const exampleRow: CacheRow = {
  folder: '',
  image: 'a.png',
  output: 'a_0064x0048_sdxl.npz',
  keySuffix: '',
  source: { bytes: 1234, modified: 1_700_000_000_123_456_789n, changed: 1_700_000_001_987_654_321n },
  sha256: 'ab'.repeat(32),
  info: {
    size: { width: 64, height: 48 },
    stored: 'rgb',
    orientation: 6,
    traits: ['icc-profile', 'transparency'],
  },
  placement: {
    listed: { width: 64, height: 48 },
    bucket: { width: 256, height: 192 },
    resized: { width: 256, height: 192 },
    crop: { left: 0, top: 0 },
  },
  recipe: {
    vae: 'fingerprint',
    posterior: 'sample',
    seed: 2 ** 53 - 1,
    dtype: 'float16',
    interpolation: 'default',
    pixels: 'trainer',
    flip: true,
    alpha: false,
  },
  encoder: { backend: 'onednn', precision: 'bf16x3', version: '0.3.0', runtime: null },
  cache: { bytes: 4321, modified: 1_700_000_002_000_000_001n, crc32: 0xffffffff },
};

// What names can be: anything but '/' and NUL, and no half of a surrogate pair, which UTF-8 cannot hold.
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .map((text) => text.replace(/[/\0]/g, '_'));
const size = fc.record({ width: fc.nat(2 ** 31), height: fc.nat(2 ** 31) });
const time = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 63n - 1n });
const bytes = fc.maxSafeNat();

/** Any rows; several may have one key. */
export const cacheRows: fc.Arbitrary<CacheRow[]> = fc.array(
  fc.record({
    folder: fc.constant(''),
    image: name,
    output: name,
    keySuffix: fc.constantFrom('', '_32x32', '_128x96'),
    source: fc.record({ bytes, modified: time, changed: time }),
    sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => Buffer.from(hash).toString('hex')),
    info: fc.record({
      size,
      orientation: fc.integer({ min: 1, max: 8 }),
      stored: fc.constantFrom('rgb' as const, 'cmyk' as const, 'grey16' as const, 'bmp' as const),
      traits: fc.subarray(['exif-orientation', 'icc-profile', 'transparency', 'cmyk', '16-bit'] as const),
    }),
    placement: fc
      .tuple(size, size, size, fc.record({ left: fc.nat(), top: fc.nat() }), fc.boolean())
      .map(([listed, bucket, resized, crop, known]) => ({
        listed,
        bucket,
        resized: known ? resized : null,
        crop: known ? crop : null,
      })),
    recipe: fc.record({
      vae: fc.constantFrom('one', 'two'),
      posterior: fc.constantFrom('mean' as const, 'sample' as const),
      seed: fc.option(fc.maxSafeNat()),
      dtype: fc.constantFrom('float32' as const, 'float16' as const),
      interpolation: fc.constantFrom('default', 'area'),
      pixels: fc.constantFrom('trainer', 'upright'),
      flip: fc.boolean(),
      alpha: fc.boolean(),
    }),
    encoder: fc.record({
      backend: fc.constantFrom('onednn', 'tensorrt'),
      precision: fc.constantFrom('fp32', 'fp16'),
      version: fc.option(fc.string({ unit: 'binary-ascii' })),
      runtime: fc.option(fc.constant('oneDNN 3')),
    }),
    cache: fc.record({ bytes, modified: time, crc32: fc.nat(2 ** 32 - 1) }),
  }),
  { maxLength: 8 },
);

import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchListedImages } from '#dist/dataset/config/match-listed-images.js';
import { readMetadataSource } from '#dist/dataset/config/read-dataset-config.js';
import { asConfig, readOrError, useCurrentFolder, write } from './dataset-config-helpers.js';

useCurrentFolder();

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

describe('a subset', () => {
  it('has of each option the value that is set nearest to it', async () => {
    const level = fc.record({ flip_aug: maybe(fc.boolean()) });
    const shared = fc.record({
      flip_aug: maybe(fc.boolean()),
      enable_bucket: maybe(fc.boolean()),
      min_bucket_reso: maybe(fc.integer({ min: 1, max: 4096 })),
    });
    await fc.assert(
      fc.asyncProperty(shared, shared, level, async (general, dataset, subset) => {
        const config = { general, datasets: [{ ...dataset, subsets: [{ ...subset, image_dir: 'a' }] }] };
        write({ 'config.json': JSON.stringify(config) });
        const { settings } = asConfig(await readOrError('config.json')).sources[0]!;
        expect(settings).toEqual(
          JSON.parse(
            JSON.stringify({
              flipAug: subset.flip_aug ?? dataset.flip_aug ?? general.flip_aug,
              enableBucket: dataset.enable_bucket ?? general.enable_bucket,
              minBucketReso: dataset.min_bucket_reso ?? general.min_bucket_reso,
            }),
          ),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe('metadata', () => {
  // what a file can be called
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => !/[/\0]/.test(text) && !['.', '..'].includes(text));
  const entry = fc.record({
    caption: maybe(fc.string({ unit: 'binary' })),
    image_size: maybe(fc.tuple(fc.integer({ min: 1, max: 99999 }), fc.integer({ min: 1, max: 99999 }))),
    more: maybe(fc.jsonValue({ maxDepth: 3 })),
  });

  it('gives back the names and sizes that were written, however it was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, entry), { selector: ([image]) => image, minLength: 1 }),
        fc.constantFrom(undefined, 1, '\t', '\n\r '),
        async (images, indent) => {
          const members = images.map(
            ([image, facts]) => `${JSON.stringify(image)}: ${JSON.stringify(facts, undefined, indent)}`,
          );
          write({ 'list.json': `{${members.join(',\n')}}` });
          const { sources } = await readMetadataSource('list.json', 'photos');
          expect(sources.map(({ imageDir }) => imageDir)).toEqual(['photos']);
          expect(sources[0]!.images).toEqual(
            images.map(([image, { image_size }]) => ({
              name: image,
              ...(image_size && { size: { width: image_size[0], height: image_size[1] } }),
            })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is refused when any one byte is cut off its end', async () => {
    await fc.assert(
      fc.asyncProperty(
        entry,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (facts, part) => {
          const bytes = Buffer.from(JSON.stringify({ 'a.png': facts }));
          write({ 'list.json': bytes.subarray(0, Math.floor(part * bytes.length)).toString('latin1') });
          await expect(readMetadataSource('list.json', 'photos')).rejects.toMatchObject({
            code: 'ERR_DATASET_CONFIG',
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('names each of its images as found or as missing', () => {
    fc.assert(
      fc.property(fc.array(name), fc.array(name), (listed, files) => {
        const images = [...new Set(listed)].map((image) => ({ name: image }));
        const { found, missing } = matchListedImages(images, files);
        expect(found.every((image) => files.includes(image.name))).toBe(true);
        expect(missing.every((image) => !files.includes(image.name))).toBe(true);
        const stems = new Set(files.flatMap((file) => [file, path.parse(file).name]));
        expect(
          images.filter((image) => !stems.has(image.name)).every((image) => missing.includes(image)),
        ).toBe(true);
      }),
    );
  });
});

// Expectations: what musubi-tuner's own data sets do with control images (test/golden/make_controls.py).
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Size } from '#dist/dataset/bucket.js';
import type { ImageBatch } from '#dist/index.js';
import { controlBucket, matchControls } from '#dist/trainers/musubi/controls.js';
import { build, fakeEncoder, useScratchFolder } from './build-helpers.js';

type Pair = [number, number];

interface Golden {
  matches: {
    images: string[];
    controls: string[];
    count: number | null;
    /** null: the trainer stops. */
    taken: Record<string, string[]> | null;
  }[];
  buckets: {
    noResize: boolean;
    controlResolution: Pair | null;
    /** Image, control image, and their buckets; null where the trainer stops. */
    rows: [image: Pair, control: Pair, buckets: [number, number, number, number] | null][];
  }[];
  pixels: {
    cases: {
      architecture: 'fk' | 'f2d';
      noResize: boolean;
      controlResolution: Pair | null;
      files: Record<string, string>;
      encoded: { width: number; height: number; sha256: string }[];
    }[];
    pictures: Record<string, string>;
  };
}

const golden = JSON.parse(
  readFileSync(new URL('golden/data/controls.json', import.meta.url), 'utf8'),
) as Golden;
const size = ([width, height]: readonly number[]): Size => ({ width: width!, height: height! });

describe('files of control images', () => {
  it('go to the images that the trainer gives them to', () => {
    for (const { images, controls, count, taken } of golden.matches) {
      if (taken === null) continue;
      const found = matchControls(images, controls);
      const first = images.map((image) => {
        const files = found.get(image)!;
        return [image, Array.isArray(files) ? files.slice(0, count ?? undefined) : files];
      });
      expect(Object.fromEntries(first), `${images} ← ${controls}`).toEqual(taken);
    }
  });

  it('are a problem of some image where the trainer stops', () => {
    for (const { images, controls, taken } of golden.matches) {
      if (taken !== null) continue;
      const found = [...matchControls(images, controls).values()];
      expect(
        found.some((files) => 'problem' in files),
        `${images} ← ${controls}`,
      ).toBe(true);
    }
  });

  it('of one number go by code points', () => {
    expect(matchControls(['a.png'], ['a_1.png', 'a_01.png', 'a.png', 'a.jpg']).get('a.png')).toEqual([
      'a.jpg',
      'a.png',
      'a_01.png',
      'a_1.png',
    ]);
  });
});

describe('sizes of control images', () => {
  it.each(
    golden.buckets,
  )('with no_resize_control $noResize, control_resolution $controlResolution', (one) => {
    const settings = {
      noResize: one.noResize,
      resolution: one.controlResolution === null ? undefined : size(one.controlResolution),
    };
    for (const [image, control, sides] of one.rows) {
      const place = () => controlBucket(size(sides ?? image), size(control), settings);
      const wanted = sides === null ? undefined : sides.slice(2);
      // A VAE takes multiples of the bucket step alone: most others stop the trainer.
      if (wanted?.every((side) => side > 0 && side % 16 === 0))
        expect(place(), `${control}`).toEqual(size(wanted));
      else expect(place, `${control}`).toThrow(expect.objectContaining({ code: 'ERR_CONTROL_IMAGE' }));
    }
  });
});

describe('pixels of an image and its control images', () => {
  const folder = useScratchFolder();

  it.each(
    golden.pixels.cases,
  )('$architecture, no_resize_control $noResize, control_resolution $controlResolution: $files', async ({
    architecture,
    noResize,
    controlResolution,
    files,
    encoded,
  }) => {
    for (const name of ['images', 'controls']) mkdirSync(path.join(folder(), name));
    for (const [name, picture] of Object.entries(files)) {
      writeFileSync(path.join(folder(), name), Buffer.from(golden.pixels.pictures[picture]!, 'base64'));
    }
    writeFileSync(path.join(folder(), 'images/a.txt'), 'x');
    writeFileSync(
      path.join(folder(), 'config.json'),
      JSON.stringify({
        general: { resolution: 64, enable_bucket: true, caption_extension: '.txt' },
        datasets: [
          {
            image_directory: path.join(folder(), 'images'),
            control_directory: path.join(folder(), 'controls'),
            no_resize_control: noResize,
            ...(controlResolution !== null && { control_resolution: controlResolution }),
          },
        ],
      }),
    );
    const isFlux2 = architecture === 'f2d';
    const seen: ImageBatch[] = [];
    const encoder = fakeEncoder((_mean, batch) => void seen.push(batch), { channels: isFlux2 ? 32 : 16 });
    const patchStatistics = { mean: new Float32Array(128), variance: new Float32Array(128).fill(1) };
    await build(folder(), {
      inputs: [],
      datasetConfig: path.join(folder(), 'config.json'),
      model: isFlux2 ? 'flux2' : 'flux-kontext',
      vaeBatchSize: 1,
      encoder: { encoder, fingerprint: 'fake', ...(isFlux2 && { patchStatistics }) },
    });
    const pixels = seen.flatMap(({ width, height, images }) =>
      images.map((rgb) => ({ width, height, sha256: createHash('sha256').update(rgb).digest('hex') })),
    );
    const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    expect(pixels.sort(byText)).toEqual([...encoded].sort(byText));
  });
});

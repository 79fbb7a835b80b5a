import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, drawImage, readNumbers, useScratchFolder } from './build-helpers.js';

interface Row {
  size: [number, number];
  bucket: [number, number];
  crop_ltrb: number[];
}

/** The reference table of the format note, as typed by hand into test/golden/make_geometry.py. */
const { rows } = JSON.parse(
  readFileSync(new URL('golden/data/geometry-table.json', import.meta.url), 'utf8'),
) as { rows: Record<'upscale' | 'no_upscale', Row>[] };

const folder = useScratchFolder();

describe('the reference table, from image files to cache files', () => {
  for (const kind of ['upscale', 'no_upscale'] as const) {
    it(`holds with ${kind}`, async () => {
      for (const row of rows)
        await drawImage(path.join(folder(), `${row[kind].size.join('by')}.png`), ...row[kind].size);
      const { summary } = await build(folder(), {
        resolution: 1024,
        enableBucket: true,
        minBucketReso: 256,
        maxBucketReso: 2048,
        bucketNoUpscale: kind === 'no_upscale',
      });
      expect(summary.encoded).toBe(rows.length);
      for (const { [kind]: row } of rows) {
        const [width, height] = row.size.map((side) => String(side).padStart(4, '0'));
        const name = `${row.size.join('by')}_${width}x${height}_sdxl.npz`;
        const { latents, original_size, crop_ltrb } = await readNumbers(path.join(folder(), name));
        expect(latents!.shape).toEqual([4, row.bucket[1] / 8, row.bucket[0] / 8]);
        expect(original_size!.values).toEqual(row.size);
        expect(crop_ltrb!.values).toEqual(row.crop_ltrb);
      }
    });
  }
});

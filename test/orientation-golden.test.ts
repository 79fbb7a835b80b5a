import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inspectImage } from '#dist/dataset/inspect-image.js';
import { decodeImage } from '#dist/pixels/decode.js';
import { turnUpright, uprightSize } from '#dist/pixels/orient.js';

/** As test/golden/make_orientation.py writes them. */
interface GoldenFile {
  file: string;
  orientation: number;
  size: [number, number];
  upright: string | null;
}
const golden = JSON.parse(readFileSync(new URL('golden/data/orientation.json', import.meta.url), 'utf8')) as {
  made_with: string;
  files: Record<string, GoldenFile>;
};

const folder = mkdtempSync(path.join(tmpdir(), 'latent-cache-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** libvips reads a PNG's header up to its pixels; Pillow reads on. */
const BEHIND_PIXELS = ['late exif.png', 'late xmp.png'];

for (const [name, { file, orientation, size, upright }] of Object.entries(golden.files)) {
  if (BEHIND_PIXELS.includes(name)) continue;
  const at = path.join(folder, name);
  const bytes = Buffer.from(file, 'base64');

  describe(`${name}, as Pillow ${golden.made_with} turns it`, () => {
    it(`has orientation ${orientation} and its upright size`, async () => {
      writeFileSync(at, bytes);
      const info = await inspectImage(at, 1e6);
      expect(info.orientation).toBe(orientation);
      const { width, height } = uprightSize(info.size, info.orientation);
      expect([width, height]).toEqual(size);
    });
    if (upright === null) return;
    for (const alpha of [false, true]) {
      it(`has the same upright pixels ${alpha ? 'with' : 'without'} alpha`, async () => {
        const decoded = await decodeImage(bytes, name, { stored: 'rgb', alpha, maxPixels: 1e6 });
        const { data } = await turnUpright(decoded, orientation);
        const rgba = Buffer.from(upright, 'base64');
        const expected = alpha ? rgba : rgba.filter((_, index) => index % 4 !== 3);
        expect(Buffer.from(data).toString('base64')).toBe(Buffer.from(expected).toString('base64'));
      });
    }
  });
}

describe('a PNG whose EXIF or XMP stands behind its pixels', () => {
  it.each(BEHIND_PIXELS)('%s counts as upright, other than in Pillow', async (name) => {
    const at = path.join(folder, name);
    writeFileSync(at, Buffer.from(golden.files[name]!.file, 'base64'));
    expect((await inspectImage(at, 1e6)).orientation).toBe(1);
    expect(golden.files[name]!.orientation).toBe(6);
  });
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBmpHeader } from '#dist/dataset/bmp-header.js';
import { inspectImage } from '#dist/dataset/inspect-image.js';
import { LatentCacheError } from '#dist/errors.js';
import { decodeBmp } from '#dist/pixels/bmp.js';
import { decodeImage } from '#dist/pixels/decode.js';

const folder = fileURLToPath(new URL('golden/data/decode/', import.meta.url));
const golden = JSON.parse(readFileSync(path.join(folder, 'decode.json'), 'utf8')) as {
  made_with: string;
  files: Record<string, { rgb: string; rgba: string } | { refused: string }>;
};

async function decode(name: string, alpha: boolean): Promise<Uint8Array> {
  const file = path.join(folder, name);
  const { stored } = await inspectImage(file, 1e6);
  const { data, channels, size } = await decodeImage(readFileSync(file), file, {
    stored,
    alpha,
    maxPixels: 1e6,
  });
  if (!alpha || channels === 4) return data;
  // Without a fourth channel the image is opaque.
  const rgba = new Uint8Array(size.width * size.height * 4).fill(255);
  for (let pixel = 0; pixel < size.width * size.height; pixel++) {
    rgba.set(data.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  }
  return rgba;
}

describe(`decoding equals Pillow ${golden.made_with}`, () => {
  for (const [name, expected] of Object.entries(golden.files)) {
    if ('refused' in expected) {
      it(`${name} is refused (Pillow: ${expected.refused})`, async () => {
        await expect(decode(name, false)).rejects.toMatchObject({ code: 'ERR_IMAGE_CORRUPT' });
      });
      continue;
    }
    it(`${name} as RGB`, async () => {
      expect(Buffer.from(await decode(name, false)).toString('base64')).toBe(expected.rgb);
    });
    it(`${name} as RGBA`, async () => {
      expect(Buffer.from(await decode(name, true)).toString('base64')).toBe(expected.rgba);
    });
  }
});

describe('decoding once for consumers with and without alpha', () => {
  for (const [name, expected] of Object.entries(golden.files)) {
    if ('refused' in expected) continue;
    it(`${name}: RGBA with its alpha dropped is RGB`, async () => {
      const rgb = (await decode(name, true)).filter((_, index) => index % 4 !== 3);
      expect(Buffer.from(rgb).toString('base64')).toBe(expected.rgb);
    });
  }
});

describe('a bitmap with any bytes changed', () => {
  for (const name of ['8-rle.bmp', '16-565.bmp', '1.bmp']) {
    it(`${name} decodes to its full size or gives a typed error`, async () => {
      const whole = readFileSync(path.join(folder, name));
      const change = fc.tuple(fc.nat({ max: Math.min(120, whole.length - 1) }), fc.nat({ max: 255 }));
      await fc.assert(
        fc.asyncProperty(
          fc.array(change, { minLength: 1, maxLength: 5 }),
          fc.nat({ max: whole.length }),
          async (changes, length) => {
            const damaged = Buffer.from(whole.subarray(0, Math.max(length, 30)));
            for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
            try {
              // The run refuses enormous sizes before it decodes.
              const { width, height } = readBmpHeader(damaged, name).size;
              if (width * height > 1e6) return;
              const { data, size, channels } = await decodeBmp(damaged, name, 3);
              expect(data.length).toBe(size.width * size.height * channels);
            } catch (error) {
              expect(error).toBeInstanceOf(LatentCacheError);
            }
          },
        ),
        { numRuns: 400 },
      );
    });
  }
});

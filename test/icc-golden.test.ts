import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { StoredPixels } from '#dist/dataset/inspect-image.js';
import { type DecodeOptions, decodeImage } from '#dist/pixels/decode.js';
import { profileToSrgb } from '#dist/pixels/icc.js';

/** As test/golden/make_icc.py writes them. */
interface GoldenFile {
  file: string;
  /** RGBA, deflated; null where littleCMS refuses the profile. */
  srgb: string | null;
}
const golden = JSON.parse(readFileSync(new URL('golden/data/icc.json', import.meta.url), 'utf8')) as {
  made_with: string;
  files: Record<string, GoldenFile>;
};

const CMYK_FILES = ['cmyk.jpg', 'cmyk-noise.jpg', 'rgb-profile-of-cmyk.jpg', 'empty-table-cmyk.jpg'];

function storedOf(name: string): StoredPixels {
  return CMYK_FILES.includes(name) ? 'cmyk' : name === 'grey16.png' ? 'grey16' : 'rgb';
}

async function decode(name: string, options: Partial<DecodeOptions> = {}) {
  const bytes = Buffer.from(golden.files[name]!.file, 'base64');
  return decodeImage(bytes, name, {
    stored: storedOf(name),
    alpha: false,
    maxPixels: 1e6,
    icc: 'srgb',
    ...options,
  });
}

/** Largest and mean difference of the colours, against RGBA. */
function compare(pixels: Uint8Array, channels: number, rgba: Uint8Array): { most: number; mean: number } {
  let most = 0;
  let sum = 0;
  const count = rgba.length / 4;
  expect(pixels.length).toBe(count * channels);
  for (let pixel = 0; pixel < count; pixel++) {
    for (let c = 0; c < 3; c++) {
      const difference = Math.abs(pixels[pixel * channels + c]! - rgba[pixel * 4 + c]!);
      most = Math.max(most, difference);
      sum += difference;
    }
  }
  return { most, mean: sum / (count * 3) };
}

const converted = Object.entries(golden.files).filter(([, { srgb }]) => srgb !== null);
const refused = Object.entries(golden.files).filter(([, { srgb }]) => srgb === null);

describe(`an embedded profile, against Pillow ${golden.made_with}`, () => {
  for (const [name, { srgb }] of converted) {
    it(`${name} is converted within 1 of 255`, async () => {
      const { data, channels, iccIgnored } = await decode(name);
      const { most, mean } = compare(data, channels, inflateSync(Buffer.from(srgb!, 'base64')));
      expect(most).toBeLessThanOrEqual(1);
      expect(mean).toBeLessThan(0.02);
      expect(iccIgnored).toBeUndefined();
    });
    if (storedOf(name) === 'cmyk') continue;
    it(`${name} keeps its alpha, beside the same colours`, async () => {
      const rgba = inflateSync(Buffer.from(srgb!, 'base64'));
      const { data, channels } = await decode(name, { alpha: true });
      expect(channels).toBe(4);
      const alphas = (pixels: Uint8Array) => pixels.filter((_, index) => index % 4 === 3);
      expect(Buffer.compare(alphas(data), alphas(rgba))).toBe(0);
      const rgb = data.filter((_, index) => index % 4 !== 3);
      expect(Buffer.compare(rgb, (await decode(name)).data)).toBe(0);
    });
  }
});

describe('a profile that littleCMS refuses', () => {
  const reasons: Record<string, string | undefined> = {
    'of-grey.jpg': 'other-colours',
    'of-cmyk.jpg': 'other-colours',
    'rgb-profile-of-cmyk.jpg': 'other-colours',
    'grey16.png': '16-bit-grey',
    // libpng drops a profile that does not go with the colours, as if there were none.
    'rgb-profile-of-grey.png': undefined,
  };
  for (const [name] of refused) {
    it(`${name} keeps the colours of the file, and says so`, async () => {
      const { data, iccIgnored } = await decode(name);
      expect(Buffer.compare(data, (await decode(name, { icc: 'ignore' })).data)).toBe(0);
      expect(iccIgnored).toBe(name in reasons ? reasons[name] : 'broken');
    });
  }

  it('is left aside whichever of its bytes are wrong', async () => {
    const file = Buffer.from(golden.files['adobe.png']!.file, 'base64');
    const { icc: profile } = await sharp(file).metadata();
    const pixels = { data: new Uint8Array(12).fill(90), size: { width: 2, height: 2 }, bands: 3 };
    const change = fc.tuple(fc.nat({ max: profile!.length - 1 }), fc.nat({ max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const damaged = Buffer.from(profile!);
        for (const [at, value] of changes) damaged[at] = value;
        const result = await profileToSrgb(pixels, 'rgb', damaged);
        if (typeof result === 'string') expect(['broken', 'other-colours']).toContain(result);
        else expect(result.data.length).toBe(12);
      }),
      { numRuns: 200 },
    );
  });
});

describe('an image without a profile', () => {
  it.each([
    'plain.jpg',
    'cmyk.jpg',
    'rgba16.png',
    'grey.png',
    'palette-alpha.png',
    'lossy-alpha.webp',
  ])('%s has the same bytes with icc srgb', async (name) => {
    const bytes = readFileSync(new URL(`golden/data/decode/${name}`, import.meta.url));
    const options = { stored: storedOf(name), alpha: true, maxPixels: 1e6 };
    const asked = await decodeImage(bytes, name, { ...options, icc: 'srgb' });
    const plain = await decodeImage(bytes, name, options);
    expect(Buffer.compare(asked.data, plain.data)).toBe(0);
    expect(asked.iccIgnored).toBeUndefined();
  });
});

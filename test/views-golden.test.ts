import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Interpolation, TransformTarget } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { type Colour, parseColour } from '#dist/pixels/colour.js';
import type { DecodedImage } from '#dist/pixels/decode.js';
import { flattenOn } from '#dist/pixels/flatten.js';
import { turnUpright } from '#dist/pixels/orient.js';
import { viewOf } from '#dist/pixels/view.js';
import { type ImageFormula, makeImage } from './formula-images.js';

/** As test/golden/make_views.py writes them; the hashes are of the kept window, HWC. */
type GoldenCase = ImageFormula & { rgb: string } & (
    | { kind: 'sd-scripts'; resized: [number, number]; alpha: string }
    | { kind: 'musubi'; resized: [number, number]; bucket: [number, number] }
    | {
        kind: 'ai-toolkit';
        orientation: number;
        mirror: boolean;
        resized: [number, number];
        window: [number, number, number, number];
      }
    | { kind: 'background'; colour: Colour }
  );
const golden = JSON.parse(readFileSync(new URL('golden/data/views.json', import.meta.url), 'utf8')) as {
  made_with: { opencv: string; pillow: string };
  cases: GoldenCase[];
};
const binding = loadBinding();

function casesOf<Kind extends GoldenCase['kind']>(kind: Kind) {
  return golden.cases.filter((entry): entry is Extract<GoldenCase, { kind: Kind }> => entry.kind === kind);
}

function decodedOf(formula: ImageFormula): DecodedImage {
  const [width, height] = formula.size;
  return { data: makeImage(formula), size: { width, height }, channels: formula.alphas === null ? 3 : 4 };
}

interface Resize {
  resized: [number, number];
  window: [number, number, number, number];
  interpolation: Interpolation;
  alpha: boolean;
}

async function resize({ data, size, channels }: DecodedImage, to: Resize): Promise<TransformTarget> {
  const [cropLeft, cropTop, cropWidth, cropHeight] = to.window;
  const area = cropWidth * cropHeight;
  const target = {
    rgb: new Uint8Array(area * 3),
    flipped: null,
    alpha: to.alpha ? new Uint8Array(area) : null,
  };
  const [resizedWidth, resizedHeight] = to.resized;
  const crop = { cropLeft, cropTop, cropWidth, cropHeight };
  const { interpolation } = to;
  await binding.transform(
    data,
    { ...size, channels, resizedWidth, resizedHeight, interpolation, ...crop },
    target,
  );
  return target;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
/** The rule of both trainers' resize for these cases: no side shrinks unless both do. */
const shrinks = (size: [number, number], resized: [number, number]) =>
  size[0] >= resized[0] && size[1] >= resized[1];

describe('RGBA through the resize of sd-scripts (alpha_mask)', () => {
  for (const entry of casesOf('sd-scripts')) {
    const { size, resized, alphas } = entry;
    it(`${alphas} alpha, ${size.join('x')} to ${resized.join('x')}`, async () => {
      const { rgb, alpha } = await resize(decodedOf(entry), {
        resized,
        window: [0, 0, ...resized],
        interpolation: shrinks(size, resized) ? 'area' : 'lanczos',
        alpha: true,
      });
      expect(sha256(rgb)).toBe(entry.rgb);
      expect(sha256(alpha!)).toBe(entry.alpha);
    });
  }
});

describe('RGBA through the resize of musubi-tuner, which drops alpha afterwards', () => {
  for (const entry of casesOf('musubi')) {
    const { size, resized, bucket, alphas } = entry;
    it(`${alphas} alpha, ${size.join('x')} to ${bucket.join('x')}`, async () => {
      const [left, top] = resized.map((side, axis) => Math.floor((side - bucket[axis]!) / 2));
      const { rgb, alpha } = await resize(decodedOf(entry), {
        resized,
        window: [left!, top!, ...bucket],
        interpolation: shrinks(size, resized) ? 'area' : 'lanczos',
        alpha: false,
      });
      expect(sha256(rgb)).toBe(entry.rgb);
      expect(alpha).toBeNull();
    });
  }
});

describe('the order of ai-toolkit: upright, mirrored, bicubic, cropped', () => {
  for (const entry of casesOf('ai-toolkit')) {
    const { size, resized, window, orientation, mirror } = entry;
    const how = `orientation ${orientation}${mirror ? ', mirrored' : ''}`;
    it(`${how}, ${size.join('x')} to ${resized.join('x')}`, async () => {
      const view = await viewOf(decodedOf(entry), orientation, { alpha: false, upright: true, mirror });
      const { rgb } = await resize(view, { resized, window, interpolation: 'pillow-bicubic', alpha: false });
      expect(sha256(rgb)).toBe(entry.rgb);
    });
  }
});

describe('a background, against Image.alpha_composite', () => {
  for (const entry of casesOf('background')) {
    it(`${entry.colour.join(',')} under ${entry.alphas} alpha`, async () => {
      const { data, channels } = await flattenOn(decodedOf(entry), entry.colour);
      expect(channels).toBe(3);
      expect(sha256(data)).toBe(entry.rgb);
    });
  }
});

describe('views of one decoded image', () => {
  const formula: ImageFormula = { colors: 'noise', alphas: 'partial', seed: 3, size: [5, 3] };
  const decoded = decodedOf(formula);
  const opaque = decodedOf({ ...formula, alphas: null });

  it('are the decoded image itself where nothing changes', async () => {
    const keepsAlpha = { alpha: true, upright: false };
    expect(await viewOf(decoded, 6, keepsAlpha)).toBe(decoded);
    expect(await viewOf(decoded, 1, { alpha: true, upright: true })).toBe(decoded);
    expect(await viewOf(opaque, 6, { alpha: false, upright: false, background: [1, 2, 3] })).toBe(opaque);
  });

  it('drop alpha without blending', async () => {
    const { data, channels } = await viewOf(decoded, 1, { alpha: false, upright: false });
    expect(channels).toBe(3);
    expect(Buffer.from(data)).toEqual(Buffer.from(decoded.data.filter((_, index) => index % 4 !== 3)));
  });

  it('have no alpha over a background, whatever was asked', async () => {
    const view = await viewOf(decoded, 1, { alpha: true, upright: false, background: [9, 8, 7] });
    expect(view).toMatchObject({ channels: 3, size: decoded.size });
  });

  it('leave the decoded image as it was', async () => {
    const before = Buffer.from(decoded.data);
    await viewOf(decoded, 7, { alpha: false, upright: true, mirror: true, background: [0, 0, 0] });
    expect(Buffer.compare(decoded.data, before)).toBe(0);
  });

  it('say why a profile was left aside', async () => {
    const marked: DecodedImage = { ...decoded, iccIgnored: 'broken' };
    const view = await viewOf(marked, 5, { alpha: false, upright: true });
    expect(view).toMatchObject({ iccIgnored: 'broken', size: { width: 3, height: 5 } });
  });
});

describe('turning upright', () => {
  it.each([0, 9, 1.5])('refuses orientation %s', async (orientation) => {
    const decoded = decodedOf({ colors: 'noise', alphas: null, seed: 1, size: [4, 2] });
    await expect(turnUpright(decoded, orientation)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });
});

describe('a colour in text', () => {
  it.each([
    ['#12aBff', [18, 171, 255]],
    ['white', [255, 255, 255]],
    ['Black', [0, 0, 0]],
    ['0,128,255', [0, 128, 255]],
    [' 1, 2, 3 ', [1, 2, 3]],
  ])('%j is %j', (text, colour) => expect(parseColour(text, 'background')).toEqual(colour));

  it.each([
    '',
    'red',
    '#fff',
    '#12345g',
    '1,2',
    '1,2,3,4',
    '1,2,256',
    '-1,0,0',
    '1.5,0,0',
    'constructor',
  ])('%j is refused', (text) => {
    expect(() => parseColour(text, 'background')).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining('background') }),
    );
  });
});

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Interpolation, TransformOptions, TransformTarget } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { PixelPool, takeTarget } from '#dist/pixels/pixel-pool.js';
import { type ImageFormula, makeImage } from './formula-images.js';

/** As test/golden/make_resize.py writes them. */
type Stored = { base64: string } | { sha256: string };
interface GoldenCase extends ImageFormula {
  interpolation: Interpolation;
  resized: [number, number];
  window: [number, number, number, number];
  rgb: Stored;
  alpha: Stored | null;
}
interface Golden {
  made_with: { opencv: string; pillow: string };
  cases: GoldenCase[];
}

const golden = JSON.parse(
  readFileSync(new URL('golden/data/resize.json', import.meta.url), 'utf8'),
) as Golden;
const binding = loadBinding();

async function transformed(source: Uint8Array, options: TransformOptions): Promise<TransformTarget> {
  const target = takeTarget(new PixelPool(0), options, { flip: true, alpha: true });
  await binding.transform(source, options, target);
  return target;
}

function toOptions(entry: GoldenCase): TransformOptions {
  const [cropLeft, cropTop, cropWidth, cropHeight] = entry.window;
  return {
    width: entry.size[0],
    height: entry.size[1],
    channels: entry.alphas === null ? 3 : 4,
    resizedWidth: entry.resized[0],
    resizedHeight: entry.resized[1],
    interpolation: entry.interpolation,
    cropLeft,
    cropTop,
    cropWidth,
    cropHeight,
  };
}

/** In the form in which the golden file stores them, so that a failure shows bytes where it can. */
function toStored(bytes: Uint8Array, like: Stored): Stored {
  if ('base64' in like) return { base64: Buffer.from(bytes).toString('base64') };
  return { sha256: createHash('sha256').update(bytes).digest('hex') };
}

function mirrored(rgb: Uint8Array, width: number): Uint8Array {
  return rgb.map((_, i) => {
    const pixel = Math.floor(i / 3);
    const column = pixel % width;
    return rgb[(pixel - column + width - 1 - column) * 3 + (i % 3)]!;
  });
}

function nameOf({ interpolation, colors, alphas, size, resized, window }: GoldenCase): string {
  const content = alphas === null ? colors : `${colors} with ${alphas} alpha`;
  return `${interpolation}: ${content}, ${size.join('x')} to ${resized.join('x')}, window ${window.join(',')}`;
}

describe(`transform equals OpenCV ${golden.made_with.opencv} and Pillow ${golden.made_with.pillow}`, () => {
  for (const entry of golden.cases) {
    it(nameOf(entry), async () => {
      const { rgb, alpha, flipped } = await transformed(makeImage(entry), toOptions(entry));
      expect(toStored(rgb, entry.rgb)).toEqual(entry.rgb);
      if (entry.alpha === null) expect(alpha).toBeNull();
      else expect(toStored(alpha!, entry.alpha)).toEqual(entry.alpha);
      expect(Buffer.compare(flipped!, mirrored(rgb, entry.window[2]))).toBe(0);
    });
  }
});

describe('LATENT_CACHE_ISA', () => {
  const entry = golden.cases.find(({ size }) => size[0] === 800)!;
  // Prints the instruction set that a fresh process picks and the result's hash; the source comes on stdin.
  const program = `
    import { createHash } from 'node:crypto';
    import { readFileSync } from 'node:fs';
    import { loadBinding } from '#dist/native/load.js';
    import { PixelPool, takeTarget } from '#dist/pixels/pixel-pool.js';
    const binding = loadBinding();
    const options = ${JSON.stringify(toOptions(entry))};
    const target = takeTarget(new PixelPool(0), options, false);
    await binding.transform(new Uint8Array(readFileSync(0)), options, target);
    const { rgb } = target;
    console.log(binding.instructionSet(), createHash('sha256').update(rgb).digest('hex'));`;
  const order = ['scalar', 'avx2', 'avx512'];
  const best = process.env.LATENT_CACHE_ISA === undefined ? binding.instructionSet() : 'scalar';

  for (const cap of order) {
    it(`caps the instruction set at ${cap}, with the same bytes`, () => {
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        env: { ...process.env, LATENT_CACHE_ISA: cap },
        input: makeImage(entry),
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      const [isa, sha256] = stdout.trim().split(' ');
      expect(order.indexOf(isa!)).toBeLessThanOrEqual(order.indexOf(cap));
      if (order.indexOf(cap) <= order.indexOf(best)) expect(isa).toBe(cap);
      expect({ sha256 }).toEqual(entry.rgb);
    });
  }
});

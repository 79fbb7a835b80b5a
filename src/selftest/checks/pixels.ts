/** Resizing and sampling on the processor: equal to the bit, with other programs' results. */
import { createHash } from 'node:crypto';
import { mix } from '../../model/seeded-values.js';
import type { NativeBinding, TransformTarget } from '../../native/binding.js';
import type { Checklist } from '../checklist.js';
import { CheckFailure } from '../failure.js';
import type { KnownAnswers, PosteriorCase, ResizeCase } from '../known-answers.js';

type Pixels = Pick<NativeBinding, 'transform' | 'instructionSet' | 'samplePosterior'>;

export async function checkPixels(list: Checklist, answers: KnownAnswers, binding: Pixels): Promise<void> {
  await list.run('pixels.resize', "resized images equal OpenCV's and Pillow's", async () => {
    for (const one of answers.resize) {
      const target = await resized(one, binding);
      if (!isRight(target.rgb, one) || !isMirrored(target, one.window[2])) {
        throw new CheckFailure('SELFTEST_WRONG_RESULT', `${one.interpolation}, case ${one.seed}, differs`);
      }
    }
    return { cases: answers.resize.length, instructionSet: binding.instructionSet() };
  });
  await list.run('pixels.posterior', 'posterior samples equal the definition to the bit', async () => {
    for (const one of answers.posterior) {
      if (!samplesRight(one, binding)) {
        throw new CheckFailure('SELFTEST_WRONG_RESULT', `the sample of seed ${one.seed} differs`);
      }
    }
    const samples = answers.posterior.reduce((sum, { latent }) => sum + latent.length, 0);
    return { cases: answers.posterior.length, samples };
  });
}

async function resized(one: ResizeCase, binding: Pixels): Promise<TransformTarget> {
  const [width, height] = one.size;
  const [resizedWidth, resizedHeight] = one.resized;
  const [cropLeft, cropTop, cropWidth, cropHeight] = one.window;
  const target = {
    rgb: new Uint8Array(cropWidth * cropHeight * 3),
    flipped: new Uint8Array(cropWidth * cropHeight * 3),
    alpha: null,
  };
  const { interpolation } = one;
  const sides = { width, height, resizedWidth, resizedHeight, cropLeft, cropTop, cropWidth, cropHeight };
  await binding.transform(sourceOf(one), { ...sides, channels: 3, interpolation }, target);
  return target;
}

function isRight(rgb: Uint8Array, { rgb: right }: ResizeCase): boolean {
  if ('base64' in right) return Buffer.compare(rgb, Buffer.from(right.base64, 'base64')) === 0;
  return createHash('sha256').update(rgb).digest('hex') === right.sha256;
}

function isMirrored({ rgb, flipped }: TransformTarget, width: number): boolean {
  return rgb.every((value, at) => {
    const pixel = Math.floor(at / 3);
    const x = pixel % width;
    return flipped![(pixel - x + width - 1 - x) * 3 + (at % 3)] === value;
  });
}

/** The image of `test/golden/make_resize.py`, without alpha. */
function sourceOf({ size: [width, height], colors, seed }: ResizeCase): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const ramps = [ramp(x, width - 1), ramp(y, height - 1), ramp(x + y, width + height - 2)];
      for (const value of ramps) {
        const noise = mix((at + Math.imul(seed, 0x9e3779b1)) >>> 0) >>> 24;
        pixels[at++] = colors === 'gradient' ? value : Math.floor((value * 3 + noise) / 4);
      }
    }
  }
  return pixels;
}

function ramp(at: number, end: number): number {
  return Math.floor((at * 255) / Math.max(end, 1));
}

function samplesRight({ seed, mean, logvar, latent }: PosteriorCase, binding: Pixels): boolean {
  const found = new Float32Array(latent.length);
  binding.samplePosterior(Float32Array.from(mean), Float32Array.from(logvar), BigInt(seed), found);
  return found.every((value, at) => Object.is(value, latent[at]));
}

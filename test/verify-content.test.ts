/** `verify` on caches of other programs. What the trainer makes of them comes from numpy and torch (make_verify.py). */
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { drawImage, useScratchFolder } from './build-helpers.js';
import { verify } from './verify-helpers.js';

const golden = fileURLToPath(new URL('golden/data/verify/', import.meta.url));
const expected = JSON.parse(readFileSync(path.join(golden, 'expected.json'), 'utf8')) as Record<
  string,
  { loads: boolean }
>;
const folder = useScratchFolder();

/** Puts a golden file where the trainer would read it as the cache of a 24x16 image. */
async function place(name: string): Promise<void> {
  await drawImage(path.join(folder(), 'a.png'), 24, 16);
  await copyFile(path.join(golden, `${name}.npz`), path.join(folder(), 'a_0024x0016_sdxl.npz'));
}

/** What torch takes and nobody should train on; only the data tell. */
const BAD_NUMBERS: Readonly<Record<string, string>> = {
  nan: 'ERR_NON_FINITE',
  infinite: 'ERR_NON_FINITE',
  absurd: 'ERR_NON_FINITE',
  'nan-flipped': 'ERR_NON_FINITE',
  'mask-not-divided': 'ERR_CACHE_CONTENT',
};

describe('caches that the trainer loads', () => {
  const good = Object.keys(expected).filter((name) => expected[name]!.loads && !(name in BAD_NUMBERS));
  // torch takes it, the loss does not
  for (const name of good.filter((each) => each !== 'mask-of-latent-size')) {
    it(`${name} is clean`, async () => {
      await place(name);
      expect((await verify(folder(), { readData: true, model: 'sdxl' })).problems).toEqual({});
    });
  }
});

describe('caches that the trainer does not load', () => {
  for (const name of Object.keys(expected).filter((each) => !expected[each]!.loads)) {
    it(`${name} is found by its headers`, async () => {
      await place(name);
      const { details } = await verify(folder());
      expect(details.map(({ code, ours }) => [/^ERR_CACHE_(CONTENT|CORRUPT)$/.test(code), ours])).toEqual([
        [true, false],
      ]);
    });
  }

  it('a mask of another size than the pixels is found by its header', async () => {
    await place('mask-of-latent-size');
    expect((await verify(folder())).problems).toEqual({ 'a_0024x0016_sdxl.npz': ['ERR_CACHE_CONTENT'] });
  });
});

describe('numbers', () => {
  for (const [name, code] of Object.entries(BAD_NUMBERS)) {
    it(`${name} is found by --read-data, and only by it`, async () => {
      await place(name);
      expect((await verify(folder())).problems).toEqual({});
      expect((await verify(folder(), { readData: true })).problems).toEqual({
        'a_0024x0016_sdxl.npz': [code],
      });
    });
  }
});

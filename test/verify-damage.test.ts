/** `verify` on damaged files. Which bits matter is numpy's judgement (make_verify.py). */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { build, drawImage, useScratchFolder } from './build-helpers.js';
import { verify } from './verify-helpers.js';

const golden = fileURLToPath(new URL('golden/data/verify/', import.meta.url));
const unchanged = JSON.parse(readFileSync(path.join(golden, 'flips.json'), 'utf8')) as Record<string, string>;
const folder = useScratchFolder();

describe.each(['plain', 'deflated'])('each single bit of %s.npz flipped', (name) => {
  it('is found by --read-data, or numpy reads the same arrays', async () => {
    const whole = readFileSync(path.join(golden, `${name}.npz`));
    const harmless = Buffer.from(unchanged[name]!, 'base64');
    const files: string[] = [];
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = Buffer.from(whole);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      files.push(`b${bit}_0024x0016_sdxl.npz`);
      await writeFile(path.join(folder(), files[bit]!), damaged);
    }
    const { problems } = await verify(folder(), { readData: true });
    // There are no images beside them, which is one problem for each.
    const missed = files.filter(
      (file, bit) => problems[file]!.length === 1 && !(harmless[bit >> 3]! & (1 << (bit & 7))),
    );
    expect(missed).toEqual([]);
    expect(files.some((file) => problems[file]!.length === 1)).toBe(true);
  });
});

describe('a cache of ours that was cut off', () => {
  it('is found wherever it was cut, without reading its data', async () => {
    await drawImage(path.join(folder(), 'a.png'), 256, 256);
    await build(folder());
    const file = path.join(folder(), 'a_0256x0256_sdxl.npz');
    const whole = readFileSync(file);
    for (let part = 0; part < 16; part++) {
      await writeFile(file, whole.subarray(0, (whole.length * part) / 16));
      expect((await verify(folder())).problems).toEqual({ 'a_0256x0256_sdxl.npz': ['ERR_CACHE_CORRUPT'] });
    }
  });
});

describe('a byte of our latents that changed on the disk', () => {
  it('is found by --read-data, and the file removed by --repair', async () => {
    await drawImage(path.join(folder(), 'a.png'), 256, 256);
    await build(folder());
    const file = path.join(folder(), 'a_0256x0256_sdxl.npz');
    const damaged = readFileSync(file);
    damaged[1000]! ^= 4;
    await writeFile(file, damaged);
    expect((await verify(folder(), { repair: true })).problems).toEqual({});
    const { details } = await verify(folder(), { readData: true, repair: true });
    expect(details).toMatchObject([{ code: 'ERR_CACHE_CORRUPT', ours: true, repaired: true }]);
    expect((await build(folder())).summary.encoded).toBe(1);
  });
});

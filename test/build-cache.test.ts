import { readlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readCache } from '#dist/trainers/sd-scripts/read-npz.js';
import { build, drawImage, fakeEncoder, namesIn, readNumbers, useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);
const caches = async (where = folder()) =>
  (await readdir(where)).filter((name) => name.endsWith('.npz')).sort();

describe('names and keys (format note 1.1, 1.2)', () => {
  it('puts the size into the name, width first, four digits at least', async () => {
    await drawImage(inside('a.b.png'), 300, 280);
    await build(folder());
    expect(await caches()).toEqual(['a.b_0300x0280_sdxl.npz']);
  });

  it('uses the suffix of the model', async () => {
    await drawImage(inside('a.png'), 300, 300);
    await build(folder(), { model: 'sd' });
    expect(await caches()).toEqual(['a_0300x0300_sd.npz']);
  });

  it('uses the old name when asked', async () => {
    await drawImage(inside('a.png'), 300, 300);
    await build(folder(), { legacyName: true });
    expect(await caches()).toEqual(['a.npz']);
  });

  it('writes bare keys with latents, original_size and crop_ltrb', async () => {
    await drawImage(inside('a.png'), 512, 256);
    await build(folder());
    const cache = await readCache(inside('a_0512x0256_sdxl.npz'));
    const arrays = [...cache!.arrays].map(([key, { header }]) => [key, header.descr, header.shape]);
    expect(arrays).toEqual([
      ['latents', '<f4', [4, 32, 32]],
      ['original_size', '<i8', [2]],
      ['crop_ltrb', '<f8', [4]],
    ]);
  });

  it('stores width and height of the decoded image, and the conditioning crop', async () => {
    // bucket 256x256 of a 2:1 image: 256 wide, 128 high, 64 from the top
    await drawImage(inside('a.png'), 512, 256);
    await build(folder());
    const { original_size, crop_ltrb } = await readNumbers(inside('a_0512x0256_sdxl.npz'));
    expect(original_size!.values).toEqual([512, 256]);
    expect(crop_ltrb!.values).toEqual([0, 64, 256, 192]);
  });

  it('puts the latent size into the keys when asked, height first', async () => {
    await drawImage(inside('a.png'), 512, 256);
    await build(folder(), { multiResolutionKeys: true, resolution: { width: 512, height: 256 } });
    const keys = Object.keys(await readNumbers(inside('a_0512x0256_sdxl.npz')));
    expect(keys).toEqual(['latents_32x64', 'original_size_32x64', 'crop_ltrb_32x64']);
  });

  it('keeps the other resolution in the same file', async () => {
    await drawImage(inside('a.png'), 512, 512);
    await build(folder(), { multiResolutionKeys: true });
    await build(folder(), { multiResolutionKeys: true, resolution: 512 });
    const keys = Object.keys(await readNumbers(inside('a_0512x0512_sdxl.npz')));
    expect(keys).toEqual(expect.arrayContaining(['latents_32x32', 'latents_64x64']));
  });

  it('stores float16 when asked', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder(), { dtype: 'float16' });
    const cache = await readCache(inside('a_0256x0256_sdxl.npz'));
    expect(cache!.arrays.get('latents')!.header.descr).toBe('<f2');
  });
});

describe('WebP with an extended header, whose sides imagesize 1.4.1 reads one pixel short (format note 1.1, trap 5)', () => {
  const extended = () =>
    sharp({ create: { width: 480, height: 640, channels: 4, background: '#ff000080' } })
      .webp()
      .toFile(inside('a.webp'));

  it('is named as the trainer looks it up; the true size stands in the file', async () => {
    await extended();
    const { notices } = await build(folder());
    expect(await caches()).toEqual(['a_0479x0639_sdxl.npz']);
    expect((await readNumbers(inside('a_0479x0639_sdxl.npz'))).original_size!.values).toEqual([480, 640]);
    expect(notices['webp-extended']).toBe(1);
  });

  it('is named by its true size when asked', async () => {
    await extended();
    await build(folder(), { webpSize: 'decoded' });
    expect(await caches()).toEqual(['a_0480x0640_sdxl.npz']);
  });

  it('is read right without the extended header', async () => {
    await sharp({ create: { width: 480, height: 640, channels: 3, background: 'red' } })
      .webp()
      .toFile(inside('a.webp'));
    await build(folder());
    expect(await caches()).toEqual(['a_0480x0640_sdxl.npz']);
  });
});

describe('pixels', () => {
  /** Left half dark, right half light. */
  const halves = (file: string, width: number, height: number) => {
    const pixels = Buffer.alloc(width * height * 3, 10);
    for (let y = 0; y < height; y++) pixels.fill(200, (y * width + width / 2) * 3, (y + 1) * width * 3);
    return sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(file);
  };

  it('encodes the mirrored pixels as latents_flipped', async () => {
    await halves(inside('a.png'), 256, 256);
    await build(folder(), { flipAug: true });
    const { latents, latents_flipped } = await readNumbers(inside('a_0256x0256_sdxl.npz'));
    expect(latents!.values.slice(0, 32)).toEqual([...Array(16).fill(10), ...Array(16).fill(200)]);
    expect(latents_flipped!.values.slice(0, 32)).toEqual([...Array(16).fill(200), ...Array(16).fill(10)]);
  });

  it('stores alpha as a mask in pixels from 0 to 1', async () => {
    const pixels = Buffer.alloc(256 * 256 * 4, 51);
    await sharp(pixels, { raw: { width: 256, height: 256, channels: 4 } })
      .png()
      .toFile(inside('a.png'));
    await build(folder(), { alphaMask: true });
    const { alpha_mask } = await readNumbers(inside('a_0256x0256_sdxl.npz'));
    expect(alpha_mask!.shape).toEqual([256, 256]);
    expect(new Set(alpha_mask!.values)).toEqual(new Set([Math.fround(0.2)]));
  });

  it('gives an image without alpha a mask of ones', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder(), { alphaMask: true });
    const { alpha_mask } = await readNumbers(inside('a_0256x0256_sdxl.npz'));
    expect(new Set(alpha_mask!.values)).toEqual(new Set([1]));
  });

  it('ignores EXIF orientation, and says so', async () => {
    const pixels = { create: { width: 320, height: 256, channels: 3, background: 'red' } } as const;
    await sharp(pixels).withMetadata({ orientation: 6 }).jpeg().toFile(inside('a.jpg'));
    const { notices } = await build(folder());
    expect(await caches()).toEqual(['a_0320x0256_sdxl.npz']);
    expect(notices).toMatchObject({ 'exif-orientation': 1 });
  });
});

describe('batches', () => {
  it('hold images of one bucket only', async () => {
    for (const index of [1, 2, 3]) await drawImage(inside(`wide${index}.png`), 512, 256);
    for (const index of [1, 2]) await drawImage(inside(`tall${index}.png`), 256, 512);
    const encoder = fakeEncoder();
    const buckets = { enableBucket: true, minBucketReso: 128, maxBucketReso: 512 };
    await build(folder(), { ...buckets, vaeBatchSize: 2 }, encoder);
    const shapes = encoder.batches.map(
      ({ images, width, height }) => `${images.length} of ${width}x${height}`,
    );
    // The bucket nearest to 2:1 within 256² is 320x192 (5:3); the next, 512x128, is 4:1.
    expect(shapes.sort()).toEqual(['1 of 320x192', '2 of 192x320', '2 of 320x192']);
  });

  it('give each image its own latent', async () => {
    for (const shade of [10, 60, 110]) await drawImage(inside(`shade${shade}.png`), 256, 256, shade);
    await build(folder(), { vaeBatchSize: 3 });
    for (const shade of [10, 60, 110]) {
      const { latents } = await readNumbers(inside(`shade${shade}_0256x0256_sdxl.npz`));
      expect(latents!.values[0]).toBe(shade);
    }
  });

  it('finish within a memory budget smaller than a batch', async () => {
    for (const index of [1, 2, 3, 4, 5]) await drawImage(inside(`a${index}.png`), 600, 600);
    const { summary } = await build(folder(), { vaeBatchSize: 5, memoryBudget: 2 ** 20 });
    expect(summary.encoded).toBe(5);
  });
});

describe('a second run', () => {
  const first = async () => {
    await drawImage(inside('a.png'), 300, 256);
    await drawImage(inside('b.png'), 256, 256);
    await build(folder());
  };
  const done = ({ summary }: Awaited<ReturnType<typeof build>>) => [summary.encoded, summary.skipped];

  it('has nothing to do', async () => {
    await first();
    expect(done(await build(folder()))).toEqual([0, 2]);
  });

  it('is not misled by a new time of an unchanged image', async () => {
    await first();
    await utimes(inside('a.png'), 1e9, 1e9);
    expect(done(await build(folder()))).toEqual([0, 2]);
  });

  it('encodes an image that was edited', async () => {
    await first();
    await drawImage(inside('a.png'), 300, 256, 7);
    expect(done(await build(folder()))).toEqual([1, 1]);
  });

  it('encodes for another VAE', async () => {
    await first();
    const again = await build(folder(), { encoder: { encoder: fakeEncoder(), fingerprint: 'other' } });
    expect(done(again)).toEqual([2, 0]);
  });

  it('encodes for another resolution, which some trainers would not notice', async () => {
    await first();
    expect(done(await build(folder(), { resolution: 320 }))).toEqual([2, 0]);
  });

  it('encodes when flip_aug is switched on', async () => {
    await first();
    expect(done(await build(folder(), { flipAug: true }))).toEqual([2, 0]);
  });

  it('writes again without the mask when alpha_mask is switched off', async () => {
    await first();
    await build(folder(), { alphaMask: true });
    expect(done(await build(folder()))).toEqual([2, 0]);
    expect(Object.keys(await readNumbers(inside('b_0256x0256_sdxl.npz')))).not.toContain('alpha_mask');
  });

  it('replaces a cache that was cut off', async () => {
    await first();
    const file = inside('a_0300x0256_sdxl.npz');
    await writeFile(file, (await readFile(file)).subarray(0, 5000));
    expect(done(await build(folder()))).toEqual([1, 1]);
  });

  it('replaces a cache with a damaged byte', async () => {
    await first();
    const file = inside('a_0300x0256_sdxl.npz');
    const bytes = await readFile(file);
    bytes[3000]! ^= 1;
    await writeFile(file, bytes);
    expect(done(await build(folder()))).toEqual([1, 1]);
  });

  it('writes the same bytes for the same input', async () => {
    await first();
    const file = inside('a_0300x0256_sdxl.npz');
    const before = await readFile(file);
    await rm(file);
    await build(folder());
    expect((await readFile(file)).equals(before)).toBe(true);
  });

  it('keeps any complete cache with skipExisting', async () => {
    await first();
    const other = { encoder: fakeEncoder(), fingerprint: 'other' };
    expect(done(await build(folder(), { encoder: other, skipExisting: true }))).toEqual([0, 2]);
  });
});

describe('files in the way', () => {
  it('moves an old {image}.npz out of sight, since the trainer would read it first', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await writeFile(inside('a.npz'), 'not ours');
    const { notices } = await build(folder());
    expect(notices).toEqual({ 'legacy-shadow': 1 });
    expect(await namesIn(folder())).toEqual(['a.npz.stale', 'a.png', 'a_0256x0256_sdxl.npz']);
    expect(await readFile(inside('a.npz.stale'), 'utf8')).toBe('not ours');
  });

  it('keeps what another program wrote under the name that it needs', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await writeFile(inside('a_0256x0256_sdxl.npz'), 'by somebody else');
    const { notices } = await build(folder());
    expect(notices).toEqual({ 'outdated-cache': 1, 'foreign-cache': 1 });
    expect(await readFile(inside('a_0256x0256_sdxl.npz.stale'), 'utf8')).toBe('by somebody else');
    expect(Object.keys(await readNumbers(inside('a_0256x0256_sdxl.npz')))).toContain('latents');
  });

  it('never overwrites what it set aside before', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await writeFile(inside('a.npz.stale'), 'first');
    await writeFile(inside('a.npz'), 'second');
    await build(folder());
    expect(await readFile(inside('a.npz.stale'), 'utf8')).toBe('first');
    expect(await readFile(inside('a.npz.stale.1'), 'utf8')).toBe('second');
  });

  it('deletes its own cache of another size of the image', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder());
    await drawImage(inside('a.png'), 320, 256);
    const { notices } = await build(folder());
    expect(notices).toEqual({ 'stale-sibling': 1 });
    expect(await caches()).toEqual(['a_0320x0256_sdxl.npz']);
  });

  it('leaves them with stale: keep', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await writeFile(inside('a.npz'), 'not ours');
    await build(folder(), { stale: 'keep' });
    expect(await caches()).toEqual(['a.npz', 'a_0256x0256_sdxl.npz']);
  });

  it('stays until its replacement is written: a failing encoder costs nothing', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder(), { legacyName: true });
    const encoder = fakeEncoder(() => {
      throw new Error('no');
    });
    const { summary } = await build(folder(), {}, encoder);
    expect(summary.failed).toBe(1);
    expect(await caches()).toEqual(['a.npz']);
  });

  it('does not hide a complete cache from skipExisting', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder());
    await writeFile(inside('a.npz'), 'not ours');
    const { summary } = await build(folder(), { skipExisting: true });
    expect([summary.encoded, summary.skipped]).toEqual([0, 1]);
    expect(await caches()).toEqual(['a_0256x0256_sdxl.npz']);
  });

  it('goes at once where the new cache is complete already', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await build(folder());
    await writeFile(inside('a.npz'), 'not ours');
    const { summary } = await build(folder());
    expect(summary.skipped).toBe(1);
    expect(await caches()).toEqual(['a_0256x0256_sdxl.npz']);
  });

  it('does not touch the cache of another image', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await drawImage(inside('a_0300x0300.png'), 256, 256);
    await build(folder());
    await build(folder());
    expect(await caches()).toEqual(['a_0256x0256_sdxl.npz', 'a_0300x0300_0256x0256_sdxl.npz']);
  });

  it('fails images that share a name without extension', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await drawImage(inside('a.jpg'), 300, 256);
    await drawImage(inside('b.png'), 256, 256);
    const { failures, summary } = await build(folder());
    expect(failures).toEqual({ 'a.png': 'ERR_NAME_COLLISION', 'a.jpg': 'ERR_NAME_COLLISION' });
    expect(summary.encoded).toBe(1);
  });

  it('removes temporary files of a process that is gone', async () => {
    await drawImage(inside('a.png'), 256, 256);
    const { createHash } = await import('node:crypto');
    const { hostname } = await import('node:os');
    const where = `${hostname()}\n${readlinkSync('/proc/self/ns/pid')}`;
    const host = createHash('sha256').update(where).digest('hex').slice(0, 8);
    await writeFile(inside(`.latent-cache-${host}-4194304-1-0123456789abcdef.tmp`), 'half');
    await build(folder());
    expect((await readdir(folder())).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('touches nothing in a dry run', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await writeFile(inside('a.npz'), 'not ours');
    const { summary, notices } = await build(folder(), { dryRun: true });
    expect((await readdir(folder())).sort()).toEqual(['a.npz', 'a.png']);
    expect([summary.encoded, summary.remaining, notices['legacy-shadow']]).toEqual([0, 0, 1]);
  });
});

describe('where files go', () => {
  it('mirrors the folders below outDir', async () => {
    await mkdir(inside('in/deep'), { recursive: true });
    await drawImage(inside('in/deep/a.png'), 256, 256);
    await build(inside('in'), { recursive: true, outDir: inside('out') });
    expect(await caches(inside('out/deep'))).toEqual(['a_0256x0256_sdxl.npz']);
  });

  it('encodes an image once when its folder is given twice', async () => {
    await drawImage(inside('a.png'), 256, 256);
    const { summary } = await build(folder(), { inputs: [folder(), `${folder()}/`] });
    expect([summary.total, summary.encoded]).toEqual([1, 1]);
  });
});

describe('posterior samples', () => {
  const sampled = async (options: { seed?: number } = {}) => {
    await build(folder(), { posterior: 'sample', ...options });
    return (await readNumbers(inside('a_0256x0256_sdxl.npz'))).latents!.values;
  };

  it('differ with the seed and repeat with it', async () => {
    await drawImage(inside('a.png'), 256, 256);
    const zero = await sampled({ seed: 0 });
    const one = await sampled({ seed: 1 });
    expect(await sampled({ seed: 0 })).toEqual(zero);
    expect(one).not.toEqual(zero);
  });

  it('have the spread that the log variance says', async () => {
    // The fake encoder answers logvar 0 and a constant mean: standard deviation 1.
    await drawImage(inside('a.png'), 256, 256);
    const values = (await sampled()).slice(0, 1024).map((value) => value - 100);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(Math.abs(variance - 1)).toBeLessThan(0.2);
  });
});

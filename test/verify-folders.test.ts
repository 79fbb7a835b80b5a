/** `verify` on folders: what belongs to which image, what gets in the way, whose it is, and what --repair does. */
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeProvenance, encodeProvenance } from '#dist/cache/provenance.js';
import { readZipDirectory } from '#dist/cache/zip.js';
import { loadBinding } from '#dist/index.js';
import { FolderLocks } from '#dist/manifest/folder-locks.js';
import { build, drawImage, fakeEncoder, namesIn, useScratchFolder } from './build-helpers.js';
import { verify } from './verify-helpers.js';

const golden = fileURLToPath(new URL('golden/data/verify/', import.meta.url));
const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);
const CACHE = 'a_0256x0256_sdxl.npz';

/** An image of 256x256 with a cache of ours. */
async function cached(name = 'a', options: Parameters<typeof build>[1] = {}): Promise<void> {
  await drawImage(inside(`${name}.png`), 256, 256);
  await build(folder(), options);
}

/** What is in the folder besides our own notes. */
/** Replaces the record of a cache by what `change` makes of its JSON text. */
async function rewriteRecord(file: string, change: (json: string) => string): Promise<void> {
  const whole = await readFile(file);
  const { comment } = readZipDirectory(whole);
  const changed = Buffer.from(change(Buffer.from(encodeProvenance(decodeProvenance(comment))).toString()));
  const head = Buffer.from(whole.subarray(0, whole.length - comment.length));
  head.writeUInt16LE(changed.length, head.length - 2);
  await writeFile(file, Buffer.concat([head, changed]));
}

describe('a folder after a build', () => {
  it('is clean, and counted', async () => {
    await cached('a');
    await cached('b');
    await drawImage(inside('later.png'), 256, 256);
    const { clean, summary } = await verify(folder(), { readData: true });
    expect(clean).toEqual([CACHE, CACHE.replace('a', 'b')]);
    expect(summary).toMatchObject({ files: 2, ok: 2, dataRead: 2, problems: 0, imagesWithoutCache: 1 });
  });

  it.each([
    { legacyName: true },
    { multiResolutionKeys: true },
    { flipAug: true, alphaMask: true },
  ])('is clean with %o', async (options) => {
    await cached('a', options);
    expect((await verify(folder(), { readData: true, model: 'sdxl' })).summary).toMatchObject({
      ok: 1,
      problems: 0,
    });
  });

  it('is clean where the trainer misreads the size of a WebP file', async () => {
    await sharp(await drawImage(inside('drawn.png'), 256, 264))
      .withMetadata({ icc: 'srgb' })
      .toFile(inside('a.webp'));
    await rm(inside('drawn.png'));
    await build(folder());
    expect((await verify(folder())).clean).toEqual(['a_0255x0263_sdxl.npz']);
  });

  it('is clean below --out-dir, where its images are elsewhere', async () => {
    const images = inside('images');
    await mkdir(path.join(images, 'sub'), { recursive: true });
    await drawImage(path.join(images, 'sub/a.png'), 256, 256);
    const options = { inputs: [images], outDir: inside('caches'), recursive: true };
    await build(folder(), options);
    expect((await verify(folder(), options)).clean).toEqual([CACHE]);
  });
});

describe('a cache against its image', () => {
  it('belongs to another size of the image', async () => {
    await cached();
    await drawImage(inside('a.png'), 256, 320);
    expect((await verify(folder())).problems).toEqual({ [CACHE]: ['ERR_CACHE_STALE'] });
  });

  it('is a stale sibling of a newer one', async () => {
    await cached();
    await copyFile(inside(CACHE), inside('a_0512x0512_sdxl.npz'));
    expect((await verify(folder())).problems).toEqual({ 'a_0512x0512_sdxl.npz': ['ERR_CACHE_STALE'] });
  });

  it('has another original_size under the old name', async () => {
    await cached('a', { legacyName: true });
    await drawImage(inside('a.png'), 320, 256);
    expect((await verify(folder())).problems).toEqual({ 'a.npz': ['ERR_CACHE_GEOMETRY'] });
  });

  it('was made of other bytes: seen by the size at once, by the content with --read-data', async () => {
    await cached();
    const image = await readFile(inside('a.png'));
    await writeFile(inside('a.png'), Buffer.concat([image, Buffer.alloc(1)]));
    expect((await verify(folder())).problems).toEqual({ [CACHE]: ['ERR_CACHE_OUTDATED'] });
    const swapped = Buffer.from(image);
    swapped[swapped.length - 1]! ^= 1; // the CRC of the last chunk, which nobody checks
    await writeFile(inside('a.png'), swapped);
    expect((await verify(folder())).problems).toEqual({});
    expect((await verify(folder(), { readData: true })).problems).toEqual({
      [CACHE]: ['ERR_CACHE_OUTDATED'],
    });
  });

  it('has another resolution than the one asked for, and stays', async () => {
    await cached();
    const { details } = await verify(folder(), { model: 'sdxl', resolution: 512, repair: true });
    expect(details).toMatchObject([{ code: 'ERR_CACHE_GEOMETRY', repaired: false }]);
    expect((await verify(folder(), { model: 'sdxl', resolution: 256 })).problems).toEqual({});
  });

  it('lacks what was asked for', async () => {
    await cached();
    const asked = { model: 'sdxl', resolution: 256 } as const;
    for (const more of [{ flipAug: true }, { alphaMask: true }])
      expect((await verify(folder(), { ...asked, ...more })).problems).toEqual({
        [CACHE]: ['ERR_CACHE_GEOMETRY'],
      });
  });

  it('cannot be compared with an image that is broken', async () => {
    await cached();
    await writeFile(inside('a.png'), 'no image');
    expect((await verify(folder())).problems).toEqual({ [CACHE]: ['ERR_IMAGE_FORMAT'] });
  });
});

describe('files in the way', () => {
  it('an old-style cache shadows a newer one', async () => {
    await cached();
    await copyFile(path.join(golden, 'plain.npz'), inside('a.npz'));
    const { problems, details } = await verify(folder(), { repair: true });
    expect(problems['a.npz']).toContain('ERR_CACHE_SHADOW');
    expect(details.map(({ ours, repaired }) => [ours, repaired])).not.toContainEqual([true, true]);
    expect(await namesIn(folder())).toContain('a.npz');
  });

  it('a cache without an image stays, whoever made it', async () => {
    await cached();
    await rm(inside('a.png'));
    const { details } = await verify(folder(), { repair: true });
    expect(details).toMatchObject([{ code: 'ERR_CACHE_ORPHAN', ours: true, repaired: false }]);
  });

  it('two images share one cache', async () => {
    await cached();
    await drawImage(inside('a.jpg'), 256, 256);
    expect((await verify(folder())).problems).toEqual({ [CACHE]: ['ERR_NAME_COLLISION'] });
  });

  it('what no trainer takes for a latent cache is ignored', async () => {
    await cached();
    await writeFile(inside('notes.npz'), 'no npz');
    await writeFile(inside('a_0256x0256_pixart.npz'), 'another model');
    const { summary } = await verify(folder());
    expect(summary).toMatchObject({ ok: 1, problems: 0, ignored: 2 });
  });

  it('a folder and a broken link named like a cache', async () => {
    await cached();
    await rm(inside(CACHE));
    await mkdir(inside(CACHE));
    expect((await verify(folder(), { repair: true })).problems).toEqual({ [CACHE]: ['ERR_CACHE_CORRUPT'] });
    await rm(inside(CACHE), { recursive: true });
    await symlink('/nowhere', inside(CACHE));
    expect((await verify(folder())).summary).toMatchObject({ problems: 0, ignored: 1 });
  });

  it('temporary files: of a run that was killed a problem, of a running one none', async () => {
    await cached();
    const { OWNER_TAG } = await import('#dist/cache/process-owner.js');
    const dead = `.latent-cache-${OWNER_TAG.replace(/-\d+-\d+$/, '-4194304-1')}-00.tmp`;
    const running = `.latent-cache-${OWNER_TAG}-00.tmp`;
    const foreign = '.latent-cache-00000000-1-1-00.tmp';
    for (const name of [dead, running, foreign]) await writeFile(inside(name), '');
    expect((await verify(folder())).problems).toEqual({ [dead]: ['ERR_CACHE_LEFTOVER'] });
    await utimes(inside(foreign), 0, 0);
    const { summary } = await verify(folder(), { repair: true });
    expect([summary.problems, summary.repaired]).toEqual([2, 2]);
    expect(await namesIn(folder())).toEqual([running, 'a.png', CACHE].sort());
  });
});

describe('how caches were made', () => {
  it('by a simulated GPU: refused, and removed', async () => {
    await cached();
    await rewriteRecord(inside(CACHE), (json) => json.replace('"backend":"fake"', '"backend":"sim:rtx3060"'));
    const { details, summary } = await verify(folder(), { repair: true });
    expect(details).toMatchObject([{ code: 'ERR_SIMULATED', ours: true, repaired: true }]);
    expect(summary).toMatchObject({ problems: 1, repaired: 1 });
    expect(await namesIn(folder())).toEqual(['a.png']);
  });

  it('with two VAEs in one folder', async () => {
    await cached('a');
    await drawImage(inside('b.png'), 256, 256);
    const encoder = { encoder: fakeEncoder(), fingerprint: 'another' };
    await build(folder(), { encoder, skipExisting: true });
    const { details } = await verify(folder());
    expect(details).toMatchObject([{ code: 'ERR_CACHE_MIXED', path: folder() }]);
    expect(details[0]!.message).toContain('2 VAEs');
  });

  it('for two models side by side is no mixture', async () => {
    await cached('a');
    await build(folder(), { model: 'sd', encoder: { encoder: fakeEncoder(), fingerprint: 'another' } });
    expect((await verify(folder())).summary).toMatchObject({ ok: 2, problems: 0 });
    expect((await verify(folder(), { model: 'sd' })).summary).toMatchObject({ files: 1, ignored: 1 });
  });

  it('a record that contradicts the arrays', async () => {
    await cached();
    await rewriteRecord(inside(CACHE), (json) => json.replace('"float32"', '"float16"'));
    expect((await verify(folder())).problems).toEqual({ [CACHE]: ['ERR_CACHE_CONTENT'] });
  });
});

describe('--repair', () => {
  it('removes ours, leaves what others made and images, and the next build completes', async () => {
    await cached('a');
    await drawImage(inside('b.png'), 24, 16);
    await copyFile(path.join(golden, 'no-crop.npz'), inside('b_0024x0016_sdxl.npz'));
    await drawImage(inside('a.png'), 256, 320);
    const { details } = await verify(folder(), { repair: true });
    expect(details.map(({ code, ours, repaired }) => [code, ours, repaired])).toEqual([
      ['ERR_CACHE_STALE', true, true],
      ['ERR_CACHE_CONTENT', false, false],
    ]);
    expect(await namesIn(folder())).toEqual(['a.png', 'b.png', 'b_0024x0016_sdxl.npz']);
    await build(folder());
    expect((await verify(folder(), { readData: true })).summary.problems).toBe(0);
  });

  it('removes no link, and nothing behind a link that leads out of the folder', async () => {
    const outside = await mkdtemp(path.join(tmpdir(), 'latent-cache-outside-'));
    await cached();
    await rename(inside(CACHE), path.join(outside, CACHE));
    await symlink(path.join(outside, CACHE), inside(CACHE));
    await copyFile(inside('a.png'), path.join(outside, 'a.png'));
    await symlink(outside, inside('linked'));
    await drawImage(inside('a.png'), 256, 320);
    await drawImage(path.join(outside, 'a.png'), 256, 320);
    const { summary } = await verify(folder(), { repair: true, recursive: true });
    expect(summary).toMatchObject({ problems: 2, repaired: 0 });
    expect(await namesIn(outside)).toEqual(['a.png', CACHE]);
    await rm(outside, { recursive: true });
  });
});

describe('--repair while another run works in the folder', () => {
  it('is refused; looking is not', async () => {
    await cached();
    const locks = await FolderLocks.take([folder()], [folder()], false, loadBinding());
    expect((await verify(folder())).summary.problems).toBe(0);
    const repairing = verify(folder(), { repair: true });
    await expect(repairing).rejects.toMatchObject({ code: 'ERR_FOLDER_LOCKED' });
    await locks.release();
    expect((await verify(folder(), { repair: true })).summary.problems).toBe(0);
  });
});

describe('--read-data-subset', () => {
  it('1/7 to 7/7 read every file once', async () => {
    for (let index = 0; index < 20; index++) await drawImage(inside(`a${index}.png`), 256, 256);
    await build(folder());
    const read: number[] = [];
    for (let part = 1; part <= 7; part++)
      read.push((await verify(folder(), { readDataSubset: `${part}/7` })).summary.dataRead);
    expect(read.reduce((sum, count) => sum + count)).toBe(20);
    expect(Math.max(...read)).toBeLessThan(20);
  });
});

describe('options', () => {
  it.each([
    [{ resolution: 512 }, 'resolution needs model'],
    [{ model: 'sdxl', enableBucket: true }, 'enableBucket needs resolution'],
    [{ readDataSubset: '8/7' }, '8/7'],
    [{ readDataSubset: '0%' }, '0%'],
    [{ readData: true, readDataSubset: '1/7' }, 'exclude'],
  ] as const)('%o is refused', async (options, message) => {
    await expect(verify(folder(), options)).rejects.toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining(message),
    });
  });

  it('a folder with neither images nor caches is refused', async () => {
    await expect(verify(folder())).rejects.toMatchObject({ code: 'ERR_NO_INPUT' });
  });
});

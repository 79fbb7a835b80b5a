import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, drawImage, useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);

/** A data set in `data`, and a folder `elsewhere` that nothing may be written to. */
async function trees(): Promise<void> {
  await mkdir(inside('data'));
  await mkdir(inside('elsewhere'));
  await drawImage(inside('data/good.png'), 256, 256);
  await drawImage(inside('elsewhere/other.png'), 256, 256);
}

const run = (options: Parameters<typeof build>[1] = {}) =>
  build(folder(), { inputs: [inside('data')], recursive: true, ...options });

describe('a link in the data set', () => {
  it('to a folder elsewhere: its images fail, nothing is written there, the others go on', async () => {
    await trees();
    await symlink(inside('elsewhere'), inside('data/link'));
    const { summary, failures } = await run();
    expect(failures).toEqual({ 'other.png': 'ERR_OUTPUT_OUTSIDE' });
    expect(summary.failures[0]!.remedy).toBeTruthy();
    expect(summary.encoded).toBe(1);
    expect(await readdir(inside('elsewhere'))).toEqual(['other.png']);
  });

  it('to a folder elsewhere whose caches are complete: they are kept, nothing is removed there', async () => {
    await trees();
    await build(folder(), { inputs: [inside('elsewhere')] });
    await writeFile(inside('elsewhere/other.npz'), 'an old cache');
    await symlink(inside('elsewhere'), inside('data/link'));
    const before = await readdir(inside('elsewhere'));
    const { summary, notices } = await run();
    expect([summary.encoded, summary.skipped, summary.failed]).toEqual([1, 1, 0]);
    expect(notices).toEqual({});
    expect(await readdir(inside('elsewhere'))).toEqual(before);
  });

  it('to a folder inside is one folder', async () => {
    await trees();
    await mkdir(inside('data/sub'));
    await drawImage(inside('data/sub/a.png'), 256, 256);
    await symlink('sub', inside('data/also'));
    const { summary } = await run();
    expect([summary.total, summary.encoded]).toEqual([2, 2]);
  });

  it('to an image elsewhere: its cache lies beside the link', async () => {
    await trees();
    await symlink(inside('elsewhere/other.png'), inside('data/linked.png'));
    expect((await run()).summary.encoded).toBe(2);
    expect(await readdir(inside('data'))).toContain('linked_0256x0256_sdxl.npz');
    expect(await readdir(inside('elsewhere'))).toEqual(['other.png']);
  });

  it('where the cache goes is replaced, and what it leads to is left alone', async () => {
    await trees();
    await writeFile(inside('elsewhere/victim'), 'precious');
    await symlink(inside('elsewhere/victim'), inside('data/good_0256x0256_sdxl.npz'));
    expect((await run()).summary.encoded).toBe(1);
    expect(await readFile(inside('elsewhere/victim'), 'utf8')).toBe('precious');
    expect((await lstat(inside('data/good_0256x0256_sdxl.npz'))).isFile()).toBe(true);
  });

  it('that is all of the input is the user’s own', async () => {
    await trees();
    await symlink(inside('data'), inside('link'));
    expect((await run({ inputs: [inside('link')] })).summary.encoded).toBe(1);
  });
});

it('an output folder may not lead out of itself', async () => {
  await trees();
  await mkdir(inside('data/sub'));
  await drawImage(inside('data/sub/a.png'), 256, 256);
  await mkdir(inside('out'));
  await symlink(inside('elsewhere'), inside('out/sub'));
  const { summary, failures } = await run({ outDir: inside('out') });
  expect(failures).toEqual({ 'a.png': 'ERR_OUTPUT_OUTSIDE' });
  expect(summary.encoded).toBe(1);
  expect(await readdir(inside('elsewhere'))).toEqual(['other.png']);
});

it('whatever is named like an image and is none fails by itself, and nothing hangs', async () => {
  await trees();
  await symlink('loop-b', inside('data/loop-a'));
  await symlink('loop-a', inside('data/loop-b'));
  await symlink('loop.png', inside('data/loop.png'));
  await symlink('.', inside('data/self'));
  await symlink('..', inside('data/up'));
  await symlink('nowhere', inside('data/dangling.png'));
  await symlink('/dev/zero', inside('data/zero.png'));
  await mkdir(inside('data/folder.png'));
  await writeFile(inside('data/empty.png'), '');
  execFileSync('mkfifo', [inside('data/pipe.png'), inside('data/pipe')]);
  const { summary, failures } = await run();
  expect(failures).toEqual({
    'loop.png': 'ERR_IMAGE_MISSING',
    'dangling.png': 'ERR_IMAGE_MISSING',
    'zero.png': 'ERR_IMAGE_NOT_A_FILE',
    'folder.png': 'ERR_IMAGE_NOT_A_FILE',
    'empty.png': 'ERR_IMAGE_EMPTY',
    'pipe.png': 'ERR_IMAGE_NOT_A_FILE',
    // reached through the link upwards, which leads out
    'other.png': 'ERR_OUTPUT_OUTSIDE',
  });
  expect(summary.encoded).toBe(1);
  expect(await readdir(inside('elsewhere'))).toEqual(['other.png']);
});

it('the folder of the manifest holds no images', async () => {
  await trees();
  await mkdir(inside('data/.latent-cache'));
  await drawImage(inside('data/.latent-cache/a.png'), 256, 256);
  expect((await run()).summary.total).toBe(1);
});

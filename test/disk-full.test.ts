/** A file system that is really full: a tmpfs of a few pages. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeFileAtomic } from '#dist/cache/atomic-file.js';
import { loadBinding } from '#dist/native/load.js';
import { build, drawImage } from './build-helpers.js';

const MEBIBYTE = 2 ** 20;
const root = mkdtempSync(path.join(tmpdir(), 'latent-cache-full-'));
const mounted: string[] = [];

/** undefined where this user may not mount. */
function mountSmall(bytes: number): string | undefined {
  const folder = path.join(root, `${mounted.length}`);
  mkdirSync(folder);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', folder]);
  if (status !== 0) return undefined;
  mounted.push(folder);
  return folder;
}

const mayMount = mountSmall(MEBIBYTE) !== undefined;

afterAll(() => {
  for (const folder of mounted) spawnSync('umount', ['-l', folder]);
  rmSync(root, { recursive: true });
});

it('a quota that is used up is told apart from a full disk', async () => {
  const quota = Object.assign(new Error('EDQUOT: disk quota exceeded'), { code: 'EDQUOT' });
  const files = { writeFileAtomic: () => Promise.reject(quota) };
  const target = path.join(root, 'a.npz');
  await expect(writeFileAtomic(target, [new Uint8Array(5), new Uint8Array(2)], files)).rejects.toMatchObject({
    code: 'ERR_DISK_FULL',
    message: `No space left to write ${target}: the quota has no room for its 7 bytes`,
  });
});

describe.skipIf(!mayMount)('a full disk (needs the right to mount)', () => {
  it('is reported with the bytes that are missing, and keeps the old file', async () => {
    const folder = mountSmall(MEBIBYTE)!;
    const target = path.join(folder, 'a.npz');
    writeFileSync(target, 'old');
    const { bavail, bsize } = statfsSync(folder);
    const error = await writeFileAtomic(target, [new Uint8Array(2 * MEBIBYTE)], loadBinding()).catch(
      (e) => e,
    );
    expect(error).toMatchObject({
      code: 'ERR_DISK_FULL',
      bytesAsked: 2 * MEBIBYTE,
      bytesFree: bavail * bsize,
    });
    expect(error.message).toContain(`${2 * MEBIBYTE - bavail * bsize} are missing`);
    expect(readdirSync(folder)).toEqual(['a.npz']);
  });

  it('stops a build with what is done kept, and says what the rest takes', async () => {
    const images = path.join(root, 'images');
    mkdirSync(images);
    for (let index = 0; index < 8; index++) await drawImage(path.join(images, `a${index}.png`), 256, 256);
    // a latent of 64² takes 64 KiB
    const outDir = mountSmall(4 * 72 * 1024)!;
    const { summary } = await build(images, { resolution: 512, outDir, vaeBatchSize: 1 });
    expect(summary.stoppedBy?.code).toBe('ERR_DISK_FULL');
    expect(summary.stoppedBy?.remedy).toMatch(/^The \d images that are left take about \d+ bytes\. /);
    expect(summary.encoded).toBeGreaterThan(0);
    expect(readdirSync(outDir).filter((name) => !name.startsWith('.latent-cache'))).toHaveLength(
      summary.encoded,
    );
    expect(readdirSync(outDir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

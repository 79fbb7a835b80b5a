import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openManifestReadOnly } from '#dist/manifest/open-manifest.js';
import type { NativeBinding } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { build, drawImage, fakeEncoder, type Outcome, useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);

/** The addon, with a list of the images whose headers were read. */
function watched(): { binding: NativeBinding; opened: string[] } {
  const binding = loadBinding();
  const opened: string[] = [];
  const inspectFile: NativeBinding['inspectFile'] = (file, head) => {
    opened.push(path.basename(file));
    return binding.inspectFile(file, head);
  };
  return { binding: { ...binding, inspectFile }, opened };
}

/** [encoded, skipped, failed], and the images that were opened. */
async function run(options: Parameters<typeof build>[1] = {}, encoder = fakeEncoder()) {
  const { binding, opened } = watched();
  const outcome = await build(folder(), { binding, ...options }, encoder);
  const { encoded, skipped, failed } = outcome.summary;
  return { ...outcome, counts: [encoded, skipped, failed], opened };
}

const counts = ({ summary }: Outcome) => [summary.encoded, summary.skipped, summary.failed];

/** Changes the content of a file and sets its time back, as an editor that keeps times does. */
async function editSecretly(file: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const { atime, mtime } = await stat(file);
  const bytes = await readFile(file);
  await new Promise((resolve) => setTimeout(resolve, 20)); // longer than a tick of the file system's clock
  await writeFile(file, change(bytes));
  await utimes(file, atime, mtime);
}

async function drawTwo(): Promise<void> {
  await drawImage(inside('a.bmp.png'), 300, 256);
  await drawImage(inside('b.png'), 256, 300);
}

describe('a second run', () => {
  it('opens nothing that has not changed', async () => {
    await drawTwo();
    expect((await run()).counts).toEqual([2, 0, 0]);
    const { counts, opened } = await run();
    expect(counts).toEqual([0, 2, 0]);
    expect(opened).toEqual([]);
  });

  it('tells of the same traits without opening the images', async () => {
    await sharp({ create: { width: 256, height: 256, channels: 4, background: '#ff000080' } })
      .withMetadata({ orientation: 6 })
      .toFile(inside('a.png'));
    const first = await run();
    const second = await run();
    expect(second.opened).toEqual([]);
    expect(second.notices).toEqual(first.notices);
    expect(Object.keys(second.notices).sort()).toEqual(['exif-orientation', 'icc-profile', 'transparency']);
  });

  it('gains the rows back from the caches when the manifest is gone', async () => {
    await drawTwo();
    await run();
    await rm(inside('.latent-cache'), { recursive: true });
    const { counts, opened } = await run();
    expect(counts).toEqual([0, 2, 0]);
    expect(opened.sort()).toEqual(['a.bmp.png', 'b.png']);
    expect((await run()).opened).toEqual([]);
  });

  it('is not misled by a new time, and looks at the image once', async () => {
    await drawTwo();
    await run();
    await utimes(inside('b.png'), 1, 1_000_000_000);
    expect((await run()).counts).toEqual([0, 2, 0]);
    const { counts, opened } = await run();
    expect(counts).toEqual([0, 2, 0]);
    expect(opened).toEqual([]);
  });

  it('notices an edit of the same size, the time set back', async () => {
    await drawImage(inside('a.png'), 256, 256);
    await drawImage(inside('b.bmp.png'), 256, 256);
    const file = inside('a.bmp');
    const bitmap = Buffer.alloc(54 + 8 * 8 * 3);
    bitmap.write('BM');
    bitmap.writeUInt32LE(54, 10);
    bitmap.writeUInt32LE(40, 14);
    bitmap.writeInt32LE(8, 18);
    bitmap.writeInt32LE(8, 22);
    bitmap.writeUInt16LE(1, 26);
    bitmap.writeUInt16LE(24, 28);
    await rm(inside('a.png'));
    await writeFile(file, bitmap);
    expect((await run()).counts).toEqual([2, 0, 0]);
    await editSecretly(file, (bytes) => bytes.fill(200, 60, 70));
    const { counts, events } = await run();
    expect(counts).toEqual([1, 1, 0]);
    expect(events.filter(({ type }) => type === 'encoded')).toMatchObject([{ path: file }]);
    expect((await run()).counts).toEqual([0, 2, 0]);
  });

  it.each([
    ['another VAE', { encoder: { encoder: fakeEncoder(), fingerprint: 'other' } }, 'another VAE'],
    ['another resolution', { resolution: 320 }, 'for 256x256, not 320x320'],
    ['flip switched on', { flipAug: true }, 'no flipped latents'],
    ['a mask', { alphaMask: true }, 'no alpha mask'],
    ['another resampler', { resizeInterpolation: 'lanczos' }, 'other settings'],
    ['half precision', { dtype: 'float16' }, 'other settings'],
    ['samples', { posterior: 'sample' }, 'other settings'],
  ] as const)('notices %s, without reading the cache', async (_, options, reason) => {
    await drawImage(inside('a.png'), 300, 300);
    await run();
    const { counts, opened, events } = await run(options);
    expect(counts).toEqual([1, 0, 0]);
    expect(opened).toEqual([]);
    const [notice] = events.filter(({ type }) => type === 'notice');
    expect(notice).toMatchObject({ code: 'outdated-cache', message: expect.stringContaining(reason) });
    expect((await run(options)).counts).toEqual([0, 1, 0]);
  });

  it('notices another way into the same bucket, which the cache alone does not show', async () => {
    // 300x300 is shrunk to 256x256; without enlarging, and with room for it, 256x256 is cut out of it as it is
    await drawImage(inside('a.png'), 300, 300);
    const bucketed = { enableBucket: true, bucketResoSteps: 64, minBucketReso: 256, maxBucketReso: 512 };
    await run(bucketed);
    const { counts } = await run({ ...bucketed, bucketNoUpscale: true, resolution: 320 });
    expect(counts).toEqual([1, 0, 0]);
  });

  it('reads a cache whose time or size changed', async () => {
    await drawTwo();
    await run();
    const cache = inside('b_0256x0300_sdxl.npz');
    const bytes = await readFile(cache);
    bytes[3000]! ^= 1;
    await writeFile(cache, bytes);
    expect((await run()).counts).toEqual([1, 1, 0]);
    await writeFile(cache, (await readFile(cache)).subarray(0, 1000));
    expect((await run()).counts).toEqual([1, 1, 0]);
    await rm(cache);
    expect((await run()).counts).toEqual([1, 1, 0]);
  });

  it('knows each of several resolutions in one file', async () => {
    await drawImage(inside('a.png'), 300, 300);
    const small = { multiResolutionKeys: true };
    const large = { multiResolutionKeys: true, resolution: 320 };
    expect((await run(small)).counts).toEqual([1, 0, 0]);
    expect((await run(large)).counts).toEqual([1, 0, 0]);
    for (let times = 0; times < 2; times++) {
      expect((await run(small)).counts).toEqual([0, 1, 0]);
      expect((await run(large)).counts).toEqual([0, 1, 0]);
    }
    expect((await run(small)).opened).toEqual([]);
    expect((await run(large)).opened).toEqual([]);
  });

  it('finds its way when the data set has moved', async () => {
    await mkdir(inside('old/sub'), { recursive: true });
    await drawImage(inside('old/sub/a.png'), 300, 256);
    await run({ inputs: [inside('old')], recursive: true });
    await rename(inside('old'), inside('new'));
    const { counts, opened } = await run({ inputs: [inside('new')], recursive: true });
    expect(counts).toEqual([0, 1, 0]);
    expect(opened).toEqual([]);
  });

  it('has its manifest in the output folder when there is one', async () => {
    await mkdir(inside('in/sub'), { recursive: true });
    await drawImage(inside('in/sub/a.png'), 300, 256);
    const options = { inputs: [inside('in')], outDir: inside('out'), recursive: true };
    expect((await run(options)).counts).toEqual([1, 0, 0]);
    const { counts, opened } = await run(options);
    expect(counts).toEqual([0, 1, 0]);
    expect(opened).toEqual([]);
    expect((await readdir(inside('out'))).sort()).toEqual(['.latent-cache', 'sub']);
    expect(await readdir(inside('in'))).toEqual(['sub']);
  });
});

describe('the manifest', () => {
  it('names image, cache, settings and encoder', async () => {
    await drawImage(inside('a.png'), 300, 256);
    await run({ flipAug: true });
    const manifest = (await openManifestReadOnly(folder()))!;
    const [row, ...others] = manifest.rowsBetween('', '', '~');
    manifest.close();
    const image = await stat(inside('a.png'), { bigint: true });
    const cache = await stat(inside('a_0300x0256_sdxl.npz'), { bigint: true });
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      image: 'a.png',
      output: 'a_0300x0256_sdxl.npz',
      keySuffix: '',
      source: { bytes: Number(image.size), modified: image.mtimeNs, changed: image.ctimeNs },
      info: { size: { width: 300, height: 256 }, stored: 'rgb', traits: [] },
      placement: {
        listed: { width: 300, height: 256 },
        bucket: { width: 256, height: 256 },
        resized: { width: 300, height: 256 },
        crop: { left: 22, top: 0 },
      },
      recipe: { vae: 'fake', posterior: 'mean', dtype: 'float32', flip: true, alpha: false },
      encoder: { backend: 'fake', precision: 'fp32', runtime: 'test' },
      cache: { bytes: Number(cache.size), modified: cache.mtimeNs },
    });
  });

  it('is only read in a dry run', async () => {
    await drawTwo();
    await run();
    const before = await stat(inside('.latent-cache/manifest.db'), { bigint: true });
    const names = await readdir(inside('.latent-cache'));
    const { counts, opened } = await run({ dryRun: true });
    expect(counts).toEqual([0, 2, 0]);
    expect(opened).toEqual([]);
    const after = await stat(inside('.latent-cache/manifest.db'), { bigint: true });
    expect([after.mtimeNs, after.size]).toEqual([before.mtimeNs, before.size]);
    expect(await readdir(inside('.latent-cache'))).toEqual(names);
  });

  it('is not made by a dry run', async () => {
    await drawTwo();
    await run({ dryRun: true });
    expect((await readdir(folder())).sort()).toEqual(['a.bmp.png', 'b.png']);
  });

  it('is set aside when it is damaged, and made anew', async () => {
    await drawTwo();
    await run();
    await writeFile(inside('.latent-cache/manifest.db'), Buffer.alloc(8192, 'x'));
    const { counts, notices } = await run();
    expect(counts).toEqual([0, 2, 0]);
    expect(notices).toEqual({ manifest: 1 });
    expect((await run()).opened).toEqual([]);
  });

  it('is done without when it cannot be written, with a notice', async () => {
    await drawTwo();
    await run();
    await drawImage(inside('c.png'), 256, 256);
    await mkdir(inside('.latent-cache/manifest.db-journal')).catch(async () => {
      await rm(inside('.latent-cache/manifest.db-journal'));
      await mkdir(inside('.latent-cache/manifest.db-journal'));
    });
    const { counts, notices } = await run();
    expect(counts).toEqual([1, 2, 0]);
    expect(notices).toEqual({ manifest: 1 });
  });

  it('has no row for a cache that is not there when the run was killed', async () => {
    for (let index = 0; index < 40; index++) await drawImage(inside(`${index}.png`), 256, 256, index);
    const script = fileURLToPath(new URL('children/slow-build.mjs', import.meta.url));
    const child = spawn(process.execPath, [script, folder()], { stdio: ['ignore', 'pipe', 'inherit'] });
    let encoded = 0;
    child.stdout.on('data', (text: Buffer) => {
      encoded += text.toString().split('encoded').length - 1;
      if (encoded >= 15) child.kill('SIGKILL');
    });
    await once(child, 'exit');
    const caches = new Set((await readdir(folder())).filter((name) => name.endsWith('.npz')));
    const manifest = (await openManifestReadOnly(folder()))!;
    const rows = [...manifest.rowsBetween('', '', '~')];
    manifest.close();
    expect(rows.filter(({ output }) => !caches.has(output))).toEqual([]);
    const { summary } = await build(folder());
    expect([summary.encoded, summary.skipped]).toEqual([40 - caches.size, caches.size]);
    expect((await run()).opened).toEqual([]);
  });
});

describe('a failed image', () => {
  it('is told again from the manifest, and taken up again when asked or when it changed', async () => {
    await drawImage(inside('good.png'), 256, 256);
    await drawImage(inside('bad.png'), 256, 256);
    const whole = await readFile(inside('bad.png'));
    await writeFile(inside('bad.png'), whole.subarray(0, whole.length - 200));
    const first = await run();
    expect(first.failures).toEqual({ 'bad.png': 'ERR_IMAGE_CORRUPT' });
    const second = await run();
    expect(second.summary.failures).toEqual(
      first.summary.failures.map((failure) => ({
        ...failure,
        message: failure.message.replaceAll(inside('bad.png'), 'bad.png'),
      })),
    );
    expect([second.counts, second.opened]).toEqual([[0, 1, 1], []]);
    const retried = await run({ retryFailed: true });
    expect([retried.counts, retried.opened]).toEqual([[0, 1, 1], ['bad.png']]);
    await writeFile(inside('bad.png'), whole);
    expect((await run()).counts).toEqual([1, 1, 0]);
  });

  it('is tried again when its file was not to blame', async () => {
    await drawImage(inside('a.png'), 256, 256);
    const broken = fakeEncoder(() => {
      throw new Error('the device is tired');
    });
    expect((await run({}, broken)).failures).toEqual({ 'a.png': 'ERR_ENCODER' });
    expect((await run()).counts).toEqual([1, 0, 0]);
  });
});

describe('two runs on one folder', () => {
  it('are refused to the second, but for a dry run', async () => {
    await drawTwo();
    let inner: unknown;
    let dry: Outcome | undefined;
    const encoder = fakeEncoder(async () => {
      inner ??= await build(folder()).catch((error: unknown) => error);
      dry ??= await build(folder(), { dryRun: true });
    });
    expect(counts(await build(folder(), {}, encoder))).toEqual([2, 0, 0]);
    expect(inner).toMatchObject({ code: 'ERR_FOLDER_LOCKED' });
    expect(dry?.summary.remaining).toBe(0);
  });

  it('are refused when one works in a folder of the other', async () => {
    await mkdir(inside('sub'));
    await drawImage(inside('sub/a.png'), 256, 256);
    const errors: unknown[] = [];
    const other = (options: Parameters<typeof build>[1]) =>
      build(folder(), options).then(
        () => errors.push(undefined),
        (error: { code: string }) => errors.push(error.code),
      );
    await build(
      folder(),
      { recursive: true },
      fakeEncoder(async () => void (await other({ inputs: [inside('sub')] }))),
    );
    await drawImage(inside('sub/b.png'), 256, 256);
    await build(
      folder(),
      { inputs: [inside('sub')] },
      fakeEncoder(async () => void (await other({ recursive: true }))),
    );
    expect(errors).toEqual(['ERR_FOLDER_LOCKED', 'ERR_FOLDER_LOCKED']);
  });
});

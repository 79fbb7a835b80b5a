import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { indexCaches } from '#dist/index.js';
import { openDatabase } from '#dist/manifest/database.js';
import type { NativeBinding } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { build, drawImage, useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const inside = (name: string) => path.join(folder(), name);
const golden = fileURLToPath(new URL('golden/data/npz/', import.meta.url));

/** A folder with two complete caches and no manifest. */
async function cachedWithoutManifest(options: Parameters<typeof build>[1] = {}): Promise<void> {
  await drawImage(inside('a.png'), 300, 256);
  await drawImage(inside('b.png'), 256, 300);
  await build(folder(), options);
  await rm(inside('.latent-cache'), { recursive: true });
}

/** Images whose headers a build reads: those that its manifest does not know. */
async function opened(options: Parameters<typeof build>[1] = {}): Promise<string[]> {
  const binding = loadBinding();
  const names: string[] = [];
  const inspectFile: NativeBinding['inspectFile'] = (file, head) => {
    names.push(path.basename(file));
    return binding.inspectFile(file, head);
  };
  const { summary } = await build(folder(), { binding: { ...binding, inspectFile }, ...options });
  expect(summary.encoded).toBe(0);
  return names;
}

describe('index', () => {
  it.each([
    ['new names', {}],
    ['old names', { legacyName: true }],
    ['mirrored, masked, half precision', { flipAug: true, alphaMask: true, dtype: 'float16' }],
    ['several resolutions', { multiResolutionKeys: true }],
  ] as const)('gives back what builds with %s know', async (_, options) => {
    await cachedWithoutManifest(options);
    const summary = await indexCaches({ inputs: [folder()] });
    expect(summary).toMatchObject({ images: 2, indexed: 2, outdated: 0, foreign: 0, unreadable: 0 });
    expect(await opened(options)).toEqual([]);
  });

  it('knows sub-folders and output folders', async () => {
    await mkdir(inside('in/sub'), { recursive: true });
    await drawImage(inside('in/sub/a.png'), 256, 256);
    const options = { inputs: [inside('in')], outDir: inside('out'), recursive: true };
    await build(folder(), options);
    await rm(inside('out/.latent-cache'), { recursive: true });
    expect(await indexCaches(options)).toMatchObject({ images: 1, indexed: 1 });
    expect(await opened(options)).toEqual([]);
  });

  it('counts what it leaves alone', async () => {
    await cachedWithoutManifest();
    await copyFile(path.join(golden, 'plain.npz'), inside('a.npz'));
    await copyFile(inside('a_0300x0256_sdxl.npz'), inside('gone_0300x0256_sdxl.npz'));
    await writeFile(inside('b.npz'), 'no zip');
    await drawImage(inside('b.png'), 256, 300, 7);
    const before = await readFile(inside('a.npz'));
    const summary = await indexCaches({ inputs: [folder()] });
    expect(summary).toMatchObject({ indexed: 1, outdated: 1, foreign: 1, unreadable: 1, withoutImage: 1 });
    expect(await readFile(inside('a.npz'))).toEqual(before);
  });

  it('is an error where no manifest can be written', async () => {
    await cachedWithoutManifest();
    await indexCaches({ inputs: [folder()] });
    const other = await openDatabase(inside('.latent-cache/manifest.db'));
    other.exec('BEGIN EXCLUSIVE');
    await expect(indexCaches({ inputs: [folder()] })).rejects.toMatchObject({
      code: 'ERR_MANIFEST',
      path: folder(),
    });
    other.close();
  });

  it('drops rows of caches that are gone', async () => {
    await cachedWithoutManifest();
    await indexCaches({ inputs: [folder()] });
    await rename(inside('a_0300x0256_sdxl.npz'), inside('elsewhere'));
    expect(await indexCaches({ inputs: [folder()] })).toMatchObject({ images: 2, indexed: 1 });
  });
});

describe('latent-cache index', () => {
  const cli = (...words: string[]) => {
    const bin = fileURLToPath(new URL('../bin/latent-cache.cjs', import.meta.url));
    return promisify(execFile)(process.execPath, [bin, 'index', ...words]).then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
    );
  };

  it('says in a line what it did, or in JSON', async () => {
    await cachedWithoutManifest();
    const text = await cli(folder());
    expect([text.code, text.stdout]).toEqual([
      0,
      expect.stringMatching(/^Indexed 2 caches of 2 images in .*\n$/),
    ]);
    const json = await cli(folder(), '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ images: 2, indexed: 2 });
  });

  it('ends with 2 when a file could not be read, with 1 when there was nothing', async () => {
    await cachedWithoutManifest();
    await writeFile(inside('b.npz'), 'no zip');
    expect((await cli(folder())).code).toBe(2);
    expect((await cli(inside('nowhere'))).code).toBe(1);
  });
});

import { mkdir, open as openFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '#dist/manifest/database.js';
import { manifestPath, openManifestReadOnly } from '#dist/manifest/open-manifest.js';
import { RunManifest } from '#dist/manifest/run-manifest.js';
import { loadBinding } from '#dist/native/load.js';
import { useScratchFolder } from './build-helpers.js';
import { exampleRow } from './manifest-rows.js';

const folder = useScratchFolder();
let problems: string[] = [];

async function open(without: string[] = []): Promise<RunManifest> {
  return RunManifest.open([folder()], without, {
    readOnly: false,
    binding: loadBinding(),
    onProblem: (message) => problems.push(message),
  });
}

/** Rows of the file, as another program sees them now. */
async function stored(): Promise<string[]> {
  const manifest = await openManifestReadOnly(folder());
  const images = [...(manifest?.rowsBetween('', '', '~') ?? [])].map(({ image }) => image);
  manifest?.close();
  return images;
}

const row = (index: number) => ({ ...exampleRow, image: `${String(index).padStart(4, '0')}.png` });

beforeEach(async () => {
  problems = [];
  await mkdir(path.join(folder(), '.latent-cache'));
});

describe('rows of a run', () => {
  it('are written when there are many, and the rest when it ends', async () => {
    const manifest = await open();
    for (let index = 0; index < 255; index++) manifest.recordKept(folder(), row(index));
    expect(await stored()).toHaveLength(0);
    manifest.recordKept(folder(), row(255));
    await manifest.ready();
    expect(await stored()).toHaveLength(256);
    manifest.recordKept(folder(), row(256));
    await manifest.close();
    expect(await stored()).toHaveLength(257);
    expect(problems).toEqual([]);
  });

  it('have the time of the file that was written, and are dropped when something else wrote it since', async () => {
    const manifest = await open();
    const file = path.join(folder(), 'a.npz');
    await writeFile(file, 'twelve bytes');
    manifest.recordDone(folder(), { ...row(1), file, cache: { bytes: 12, crc32: 1 } });
    manifest.recordDone(folder(), { ...row(2), file, cache: { bytes: 13, crc32: 1 } });
    manifest.recordDone(folder(), { ...row(3), file: `${file}.gone`, cache: { bytes: 12, crc32: 1 } });
    await manifest.close();
    const reader = (await openManifestReadOnly(folder()))!;
    const rows = [...reader.rowsBetween('', '', '~')];
    reader.close();
    const { mtimeNs } = await stat(file, { bigint: true });
    expect(rows).toEqual([{ ...row(1), cache: { bytes: 12, crc32: 1, modified: mtimeNs } }]);
  });

  it('wait while another program holds the file', async () => {
    const manifest = await open();
    const other = await openDatabase(manifestPath(folder()));
    other.exec('BEGIN EXCLUSIVE');
    for (let index = 0; index < 300; index++) manifest.recordKept(folder(), row(index));
    await manifest.ready();
    other.exec('ROLLBACK');
    other.close();
    await manifest.close();
    expect(await stored()).toHaveLength(300);
    expect(problems).toEqual([]);
  });

  it('are lost, with a word about it, when that goes on to the end', async () => {
    const manifest = await open();
    const other = await openDatabase(manifestPath(folder()));
    other.exec('BEGIN EXCLUSIVE');
    manifest.recordKept(folder(), row(1));
    await manifest.close();
    other.close();
    expect(problems).toEqual([expect.stringContaining('another program holds it')]);
  });

  it('are not kept for a root that takes no files', async () => {
    const manifest = await open([folder()]);
    manifest.recordKept(folder(), row(1));
    expect(await manifest.rows(folder(), '', ['0001.png'])).toEqual([undefined]);
    await manifest.close();
    expect(await stored()).toEqual([]);
  });
});

it('damage that shows only when it is read costs the rows, not the run', async () => {
  const before = await open();
  for (let index = 0; index < 2000; index++) before.recordKept(folder(), row(index));
  await before.close();
  // all pages but the first, which has the schema
  const file = manifestPath(folder());
  const { size } = await stat(file);
  const handle = await openFile(file, 'r+');
  await handle.write(Buffer.alloc(size - 8 * 4096, 0x5a), 0, size - 8 * 4096, 8 * 4096);
  await handle.close();

  const manifest = await open();
  const names = Array.from({ length: 2000 }, (_, index) => row(index).image);
  expect(await manifest.rows(folder(), '', names)).toHaveLength(2000);
  expect(problems).toEqual([expect.stringContaining('set aside')]);
  manifest.recordKept(folder(), row(5));
  await manifest.close();
  expect(await stored()).toEqual([row(5).image]);
});

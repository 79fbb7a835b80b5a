import { mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareCodePoints, sortByCodePoints } from '#dist/dataset/name-order.js';
import { openDatabase } from '#dist/manifest/database.js';
import { joinSorted } from '#dist/manifest/join-sorted.js';
import type { Manifest } from '#dist/manifest/manifest.js';
import { manifestPath, openManifest, openManifestReadOnly } from '#dist/manifest/open-manifest.js';
import type { CacheRow } from '#dist/manifest/rows.js';
import { useScratchFolder } from './build-helpers.js';
import { cacheRows, exampleRow } from './manifest-rows.js';

const folder = useScratchFolder();

async function open(): Promise<{ manifest: Manifest; aside: string[] }> {
  await mkdir(path.join(folder(), '.latent-cache'), { recursive: true });
  const aside: string[] = [];
  const manifest = await openManifest(folder(), (reason) => aside.push(reason));
  return { manifest, aside };
}

const write = (manifest: Manifest, rows: readonly CacheRow[]) =>
  manifest.write({ rows, failures: [], gone: [] });
/** Above every name: a file name has 255 bytes at most. */
const LAST_NAME = '\u{10ffff}'.repeat(256);
const all = (manifest: Manifest, inside = '') => [...manifest.rowsBetween(inside, '', LAST_NAME)];

describe('the manifest', () => {
  it('gives back every row as it was put', async () => {
    const { manifest } = await open();
    let round = 0;
    fc.assert(
      fc.property(cacheRows, (rows) => {
        const inside = `round ${round++}`;
        const put = rows.map((row) => ({ ...row, folder: inside }));
        write(manifest, put);
        const key = ({ image, output, keySuffix }: CacheRow) => [image, output, keySuffix].join('\0');
        const expected = [...new Map(put.map((row) => [key(row), row])).values()];
        const sorted = expected.sort((a, b) => Buffer.compare(Buffer.from(key(a)), Buffer.from(key(b))));
        const got = all(manifest, inside);
        expect(got).toHaveLength(sorted.length);
        expect(new Map(got.map((row) => [key(row), row]))).toEqual(
          new Map(sorted.map((row) => [key(row), row])),
        );
        const images = got.map(({ image }) => image);
        expect(images).toEqual(sorted.map(({ image }) => image));
      }),
      { numRuns: 60 },
    );
    manifest.close();
  });

  it('is there for the next process, and lists only what was asked for', async () => {
    const { manifest } = await open();
    write(
      manifest,
      ['a', 'b', 'c'].map((image) => ({ ...exampleRow, image })),
    );
    manifest.close();
    const { manifest: again } = await open();
    expect([...again.rowsBetween('', 'b', 'bz')].map(({ image }) => image)).toEqual(['b']);
    expect(all(again, 'other')).toEqual([]);
    again.close();
  });

  it('forgets the failure of an image that was cached, and rows of files that are gone', async () => {
    const { manifest } = await open();
    const { source } = exampleRow;
    const failure = {
      folder: '',
      image: exampleRow.image,
      code: 'ERR_IMAGE_CORRUPT',
      message: 'cut off',
      remedy: null,
      source,
      version: '1',
    };
    manifest.write({ rows: [], failures: [failure], gone: [] });
    expect([...manifest.failuresBetween('', '', '~')]).toEqual([failure]);
    write(manifest, [exampleRow]);
    expect([...manifest.failuresBetween('', '', '~')]).toEqual([]);
    manifest.write({ rows: [], failures: [], gone: [exampleRow] });
    expect(all(manifest)).toEqual([]);
    manifest.close();
  });

  it('keeps what stands for control images', async () => {
    const { manifest } = await open();
    const paired = { ...exampleRow, image: 'b', controls: 'cd'.repeat(16) };
    write(manifest, [exampleRow, paired]);
    expect(all(manifest)).toEqual([exampleRow, paired]);
    manifest.close();
  });

  it('writes all of a change or nothing', async () => {
    const { manifest } = await open();
    const broken = { ...exampleRow, image: 'b', sha256: undefined as unknown as string };
    expect(() => write(manifest, [exampleRow, broken])).toThrow();
    expect(all(manifest)).toEqual([]);
    write(manifest, [exampleRow]);
    expect(all(manifest)).toEqual([exampleRow]);
    manifest.close();
  });
});

describe('a manifest that cannot be used', () => {
  const names = async () => (await readdir(path.join(folder(), '.latent-cache'))).sort();

  it.each([
    ['garbage', async (file: string) => writeFile(file, 'no database, but long enough. '.repeat(50))],
    [
      'cut off',
      async (file: string) => {
        const { manifest } = await open();
        write(
          manifest,
          Array.from({ length: 500 }, (_, index) => ({ ...exampleRow, image: `${index}` })),
        );
        manifest.close();
        await truncate(file, 5000);
      },
    ],
    [
      'without tables',
      async (file: string) => {
        const db = await openDatabase(file);
        db.exec('CREATE TABLE other (a); PRAGMA user_version = 1');
        db.close();
      },
    ],
    [
      'of a newer version',
      async (file: string) => {
        const db = await openDatabase(file);
        db.exec('PRAGMA user_version = 99');
        db.close();
      },
    ],
    ['a link', async (file: string) => symlink('/dev/null', file)],
  ])('is set aside, not deleted: %s', async (_, spoil) => {
    await mkdir(path.join(folder(), '.latent-cache'));
    await spoil(manifestPath(folder()));
    const { manifest, aside } = await open();
    expect(aside).toHaveLength(1);
    expect(await names()).toContain('manifest.db.set-aside');
    write(manifest, [exampleRow]);
    expect(all(manifest)).toEqual([exampleRow]);
    manifest.close();
  });

  it('is left as it is by a reader', async () => {
    await mkdir(path.join(folder(), '.latent-cache'));
    expect(await openManifestReadOnly(folder())).toBeUndefined();
    await writeFile(manifestPath(folder()), 'no database, but long enough. '.repeat(50));
    expect(await openManifestReadOnly(folder())).toBeUndefined();
    expect(await names()).toEqual(['manifest.db']);
  });
});

it('is read without being written, whatever its path', async () => {
  const odd = path.join(folder(), 'a?b#c%20d é');
  await mkdir(path.join(odd, '.latent-cache'), { recursive: true });
  const manifest = await openManifest(odd, () => {});
  write(manifest, [exampleRow]);
  manifest.close();
  const reader = (await openManifestReadOnly(odd))!;
  expect(all(reader)).toEqual([exampleRow]);
  expect(() => write(reader, [exampleRow])).toThrow();
  reader.close();
});

describe('names', () => {
  // Expectation: Buffer.compare of their UTF-8, the order that SQLite and Python have.
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const name = fc.string({ unit: fc.constantFrom('a', 'B', '\u{e9}', '\u{ffff}', '\u{1f600}', '.', '_') });

  it('are in the order of their bytes', () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(byBytes(a, b));
      }),
    );
    fc.assert(
      fc.property(fc.array(name), (names) => {
        expect(sortByCodePoints([...names])).toEqual([...names].sort(byBytes));
      }),
    );
  });

  it('get the rows that have them', () => {
    const sorted = (names: string[]) => [...names].sort(byBytes);
    fc.assert(
      fc.property(fc.uniqueArray(name), fc.array(name), (names, images) => {
        const rows = sorted(images).map((image, index) => ({ image, index }));
        const expected = sorted(names).map((wanted) => {
          const group = rows.filter(({ image }) => image === wanted);
          return group.length === 0 ? undefined : group;
        });
        expect(joinSorted(sorted(names), rows)).toEqual(expected);
      }),
    );
  });
});

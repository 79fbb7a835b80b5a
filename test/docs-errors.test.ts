import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, PROBLEM_CODES } from '#dist/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string) => readFileSync(path.join(root, name), 'utf8');

/** The cells of the rows of a table whose first cell is a code. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| `(ERR_\w+)` \|(.*)\|$/gm)].map(([, code, rest]) => ({
    code: code!,
    cells: rest!.split(/(?<!\\)\|/).map((cell) => cell.trim()),
  }));

/** Everything that could use a code, without the list of the codes itself and without tests. */
function sources(folders: readonly string[]): string {
  return folders
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|cpp|h)$/.test(name))
        .map((name) => path.join(folder, name)),
    )
    .filter((name) => name !== 'src/errors.ts' && !name.startsWith('native/tests/'))
    .map(read)
    .join('\n');
}

describe('docs/errors.md', () => {
  const rows = rowsOf(read('docs/errors.md'));

  it('has one row for each code, in the order of the source', () => {
    expect(rows.map(({ code }) => code)).toEqual([...ERROR_CODES]);
  });

  it('says cause and remedy of each', () => {
    const short = rows.filter(({ cells }) => cells.length !== 2 || cells.some((cell) => cell.length < 8));
    expect(short).toEqual([]);
  });

  it('has no code that nothing uses', () => {
    const text = sources(['src', 'native']);
    expect(ERROR_CODES.filter((code) => !new RegExp(`\\b${code}\\b`).test(text))).toEqual([]);
  });

  // those of TypeScript are checked by its types
  it('has every code that the native part can send', () => {
    const named = [...sources(['native']).matchAll(/"(ERR_\w+)"/g)].map(([, code]) => code!);
    const known: readonly string[] = ERROR_CODES;
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((code) => !known.includes(code))).toEqual([]);
  });
});

describe('docs/verify.md', () => {
  it('has a row for each problem that verify finds', () => {
    const codes = rowsOf(read('docs/verify.md')).map(({ code }) => code);
    expect(PROBLEM_CODES.filter((code) => !codes.includes(code))).toEqual([]);
  });
});

import { mkdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { sameState, stateAt } from '#dist/manifest/file-state.js';
import { loadBinding } from '#dist/native/load.js';
import { useScratchFolder } from './build-helpers.js';

const binding = loadBinding();
const folder = useScratchFolder();

describe('statFiles', () => {
  it('tells what fs.stat tells, in the order of the paths', async () => {
    const file = path.join(folder(), 'é 1.png');
    await writeFile(file, 'twelve bytes');
    await utimes(file, 1_600_000_000, 1_600_000_000.25);
    await symlink(file, path.join(folder(), 'link'));
    await symlink('nowhere', path.join(folder(), 'broken'));
    await mkdir(path.join(folder(), 'sub'));
    const names = ['sub', 'é 1.png', 'missing', 'link', 'broken', 'é 1.png/x'];
    const states = await binding.statFiles(names.map((name) => path.join(folder(), name)));
    const { size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    const expected = { bytes: Number(size), modified: mtimeNs, changed: ctimeNs };
    expect(names.map((_, index) => stateAt(states, index))).toEqual([
      undefined,
      expected,
      undefined,
      expected,
      undefined,
      undefined,
    ]);
    expect(names.map((_, index) => states[index * 4])).toEqual([2n, 1n, 0n, 1n, 0n, 0n]);
  });

  it('takes none, and many', async () => {
    expect(await binding.statFiles([])).toHaveLength(0);
    const states = await binding.statFiles(new Array(5000).fill(folder()));
    expect(states).toHaveLength(20_000);
    expect(states.at(-4)).toBe(2n);
  });

  it('sees a change that sets the time back', async () => {
    const file = path.join(folder(), 'a');
    const look = async () => stateAt(await binding.statFiles([file]), 0)!;
    await writeFile(file, 'old');
    const { atime, mtime } = await stat(file);
    await utimes(file, atime, mtime);
    const before = await look();
    expect(sameState(before, await look())).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20)); // longer than a tick of the file system's clock
    await writeFile(file, 'new');
    await utimes(file, atime, mtime);
    const after = await look();
    expect(after.modified).toBe(before.modified);
    expect(sameState(before, after)).toBe(false);
  });

  it('refuses a path with NUL', () => {
    expect(() => binding.statFiles(['a\0b'])).toThrow('path without NUL');
  });
});

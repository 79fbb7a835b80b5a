import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findImages } from '#dist/dataset/find-images.js';
import { withoutExtension } from '#dist/dataset/image-names.js';
import { useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const found = async (recursive = false) =>
  (await findImages([folder()], { recursive })).map(({ relativePath }) => relativePath);

// Expectations: what sd-scripts' own glob (main at 48d368fa) takes from the same names.
describe('image files', () => {
  it('end in a known extension, all lower or all upper case', async () => {
    const taken = ['a.png', 'b.PNG', 'c.jpg', 'd.JPEG', 'e.webp', 'f.BMP', 'g h.png', 'ü.png', 'i.j.png'];
    const left = ['x.Png', 'x.jpe', 'x.gif', 'x.txt', '.x.png', 'png', 'x.png.txt'];
    for (const name of [...taken, ...left]) await writeFile(path.join(folder(), name), '');
    expect((await found()).sort()).toEqual(taken.sort());
  });

  it('may be links, broken ones too, and folders: their names decide', async () => {
    await symlink('nowhere', path.join(folder(), 'link.png'));
    await mkdir(path.join(folder(), 'folder.png'));
    expect(await found()).toEqual(['folder.png', 'link.png']);
  });

  it('are those of sub-folders only when asked', async () => {
    await mkdir(path.join(folder(), 'sub/deeper'), { recursive: true });
    await writeFile(path.join(folder(), 'sub/deeper/a.png'), '');
    expect(await found()).toEqual([]);
    expect(await found(true)).toEqual(['sub/deeper/a.png']);
  });

  it('are found once where a link leads in a circle', async () => {
    await writeFile(path.join(folder(), 'a.png'), '');
    await symlink('.', path.join(folder(), 'again'));
    expect(await found(true)).toEqual(['a.png']);
  });
});

// Expectations: Python's os.path.splitext.
it.each([
  ['a.png', 'a'],
  ['dir.x/a', 'dir.x/a'],
  ['dir/a.b.png', 'dir/a.b'],
  ['dir/.png', 'dir/.png'],
  ['...png', '...png'],
])('splits the extension off %s', (file, base) => {
  expect(withoutExtension(file)).toBe(base);
});

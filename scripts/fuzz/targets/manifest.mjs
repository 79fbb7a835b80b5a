import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { RootManifest } from '../../../dist/manifest/root-manifest.js';
import { loadBinding } from '../../../dist/native/load.js';

export const words = [
  'SQLite format 3\0',
  '\x0d\0',
  '\x05\0',
  '\x0a\0',
  '\x02\0',
  'CREATE TABLE caches',
  'manifest',
  'a.png',
  'recipes',
  '\x7f\xff\xff\xff',
];

const PAGE_BYTES = 512;

/** Whole pages copied over others, or the file one page longer or shorter. */
export function structured(bytes, random) {
  const pages = Math.floor(bytes.length / PAGE_BYTES);
  if (pages < 2) return bytes;
  const result = Buffer.from(bytes);
  const [from, to] = [random.below(pages), random.below(pages)];
  bytes.copy(result, to * PAGE_BYTES, from * PAGE_BYTES, (from + 1) * PAGE_BYTES);
  switch (random.below(3)) {
    case 0:
      return result;
    case 1:
      return result.subarray(0, (pages - 1) * PAGE_BYTES);
    default:
      return Buffer.concat([result, result.subarray(0, PAGE_BYTES)]);
  }
}

/** A run's way through it: read, write, close. It has no error of its own: a manifest that is bad is set aside. */
export async function run(_bytes, file) {
  const root = `${file}-root`;
  const folder = path.join(root, '.latent-cache');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(file, path.join(folder, 'manifest.db'));
  for (const readOnly of [true, false]) {
    const manifest = await RootManifest.open(root, { readOnly, binding: loadBinding(), onProblem() {} });
    const names = ['a.png', 'b.png'];
    const [rows] = await manifest.rows('', names);
    await manifest.failures('', names);
    for (const row of rows ?? []) manifest.put(row);
    manifest.forget({ folder: '', image: 'b.png', output: 'b.npz', keySuffix: '' });
    await manifest.close();
  }
}

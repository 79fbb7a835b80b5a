import { lockHolder } from '../../../dist/manifest/lock-file.js';
import { changeJson } from '../json.mjs';

export const words = [
  'owner',
  'pid',
  'host',
  'started',
  'recursive',
  '0123abcd-1-2',
  'true',
  'null',
  '1e999',
  '{"owner":',
];

export function structured(bytes, random) {
  return Buffer.from(changeJson(bytes.toString('utf8'), random, words));
}

const refuse = async () => {
  throw Object.assign(new Error('no locks'), { code: 'ENOLCK' });
};

/** As on a file system with locks, where another process has it, and on one without. */
export async function run(_bytes, file) {
  await lockHolder(file, { tryLockFile: async () => false, isFileLocked: async () => true });
  await lockHolder(file, { tryLockFile: refuse, isFileLocked: refuse });
}

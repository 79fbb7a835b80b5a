import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { LatentCacheError } from '#dist/errors.js';
import { FolderLocks } from '#dist/manifest/folder-locks.js';
import type { NativeBinding } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const binding = loadBinding();
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await end(child);
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Another process that holds the lock of a folder. */
async function holder(root: string, recursive = false): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('children/hold-lock.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, root, recursive ? 'recursive' : 'flat'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout!, 'data');
  return child;
}

const take = (roots: string[], folders: string[] = [], recursive = false, functions = binding) =>
  FolderLocks.take(roots, folders, recursive, functions);
const refusal = async (taking: Promise<FolderLocks>): Promise<LatentCacheError> => {
  const error = await taking.then(
    (locks) => locks.release().then(() => undefined),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LatentCacheError);
  return error as LatentCacheError;
};

describe('a folder', () => {
  it('is refused while another process has it, which is named, and free when that was killed', async () => {
    const child = await holder(folder());
    const { code, message, remedy } = await refusal(take([folder()]));
    expect(code).toBe('ERR_FOLDER_LOCKED');
    expect(message).toContain(`process ${child.pid} on ${hostname()}`);
    expect(message).toContain(folder());
    expect(remedy).toBeTruthy();
    await end(child);
    await (await take([folder()])).release();
  });

  it('is refused to the same process too, until it is released', async () => {
    const locks = await take([folder()]);
    expect((await refusal(take([folder()]))).code).toBe('ERR_FOLDER_LOCKED');
    await locks.release();
    await (await take([folder()])).release();
  });

  it('may be named twice, also through a link', async () => {
    const link = path.join(folder(), 'link');
    const root = path.join(folder(), 'root');
    await mkdir(root);
    await symlink(root, link);
    const locks = await take([root, link, root]);
    expect((await refusal(take([link]))).code).toBe('ERR_FOLDER_LOCKED');
    await locks.release();
  });

  it('goes to one of many that come at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => take([folder()])));
    const locks = results.filter((result) => result.status === 'fulfilled');
    expect(locks).toHaveLength(1);
    await locks[0]!.value.release();
  });
});

describe('folders in one another', () => {
  const sub = () => path.join(folder(), 'a/b');

  it.each([
    ['above, with its sub-folders', () => [folder(), true], () => [[sub()], []], 'ERR_FOLDER_LOCKED'],
    ['above, without them', () => [folder(), false], () => [[sub()], []], undefined],
    ['below, where this run goes', () => [sub(), false], () => [[folder()], [sub()]], 'ERR_FOLDER_LOCKED'],
    ['below, where it does not', () => [sub(), false], () => [[folder()], []], undefined],
  ] as const)('another run %s', async (_, other, own, expected) => {
    await mkdir(sub(), { recursive: true });
    await holder(...(other() as [string, boolean]));
    const [roots, folders] = own() as [string[], string[]];
    const result = await take(roots, folders).then(
      (locks) => locks.release(),
      ({ code }: LatentCacheError) => code,
    );
    expect(result).toBe(expected);
  });

  it('can be roots of one run', async () => {
    await mkdir(sub(), { recursive: true });
    await (await take([folder(), sub()], [folder(), sub()], true)).release();
    await (await take([sub(), folder()], [folder(), sub()], true)).release();
  });

  it('are all free after one was refused', async () => {
    const other = path.join(folder(), 'other');
    await mkdir(sub(), { recursive: true });
    await mkdir(other);
    const child = await holder(sub());
    await refusal(take([other, sub()]));
    await end(child);
    await (await take([other])).release();
  });
});

describe('where the file system has no locks', () => {
  const without: NativeBinding = {
    ...binding,
    statFiles: binding.statFiles,
    tryLockFile: () => Promise.reject(Object.assign(new Error('no locks'), { code: 'ENOLCK' })),
    isFileLocked: () => Promise.reject(Object.assign(new Error('no locks'), { code: 'ENOLCK' })),
  };

  it('a running owner is believed, a dead one is not', async () => {
    const child = await holder(folder());
    const { code } = await refusal(take([folder()], [], false, without));
    expect(code).toBe('ERR_FOLDER_LOCKED');
    await end(child);
    const locks = await take([folder()], [], false, without);
    expect((await refusal(take([folder()], [], false, without))).code).toBe('ERR_FOLDER_LOCKED');
    await locks.release();
    await (await take([folder()], [], false, without)).release();
  });
});

it('a .latent-cache that is a link is refused', async () => {
  const elsewhere = path.join(folder(), 'elsewhere');
  const root = path.join(folder(), 'root');
  await mkdir(elsewhere);
  await mkdir(root);
  await symlink(elsewhere, path.join(root, '.latent-cache'));
  expect((await refusal(take([root]))).code).toBe('ERR_OUTPUT_OUTSIDE');
});

it('a lock that is a link is refused, and what it leads to is left alone', async () => {
  const victim = path.join(folder(), 'victim');
  await mkdir(path.join(folder(), '.latent-cache'));
  await symlink(victim, path.join(folder(), '.latent-cache/lock'));
  expect((await refusal(take([folder()]))).code).toBe('ERR_OUTPUT_OUTSIDE');
  await expect(readFile(victim)).rejects.toThrow('ENOENT');
});

it.skipIf(process.getuid?.() === 0)('a folder that takes no files is told, not refused', async () => {
  await chmod(folder(), 0o555);
  const locks = await take([folder()]);
  expect(locks.readOnly).toEqual([folder()]);
  await locks.release();
  await chmod(folder(), 0o755);
});

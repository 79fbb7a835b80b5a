import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadBinding } from '#dist/native/load.js';
import { useScratchFolder } from './build-helpers.js';

const folder = useScratchFolder();
const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs an expression in a process of its own, in which libraries come from `libraries` first. */
function evaluate(expression: string, libraries: string): unknown {
  const code = `
    import { loadBinding } from '#dist/native/load.js';
    const binding = loadBinding();
    const search = { libraryFolders: [] };
    const plain = ({ code, message, remedy }) => ({ code, message, remedy });
    console.log(JSON.stringify(await ${expression}.catch(plain)));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  });
  return JSON.parse(stdout);
}

it.each([
  'binding.cudaStatus(search)',
  'binding.cudaMemGetInfo(0, search)',
])('%s says what is missing where the CUDA runtime does not load', (call) => {
  // The loader stops at a file of the right name that is no library.
  for (const version of [12, 13]) writeFileSync(`${folder()}/libcudart.so.${version}`, 'no library');
  expect(evaluate(call, folder())).toMatchObject({
    code: 'ERR_CUDA_MISSING',
    message: expect.stringContaining('libcudart'),
    remedy: expect.stringContaining('CUDA'),
  });
});

it('refuses folders that are none, and a device that is no number', () => {
  const binding = loadBinding();
  const search = (libraryFolders: unknown) => ({ libraryFolders }) as { libraryFolders: string[] };
  const wrong = (name: string) =>
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining(name) });
  expect(() => binding.cudaStatus(search('/usr/lib'))).toThrow(wrong('libraryFolders'));
  expect(() => binding.cudaStatus(search([1]))).toThrow(wrong('libraryFolders'));
  expect(() => binding.cudaMemGetInfo(-1, search([]))).toThrow(wrong('device'));
});

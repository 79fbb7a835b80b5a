// Compiles the libraries that stand in for a GPU in the tests and the stress scripts: build-doubles/doubles/.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const build = path.join(root, 'build-doubles');

export const doublesFolder = path.join(build, 'doubles');

export function buildDoubles() {
  for (const args of [
    [
      '-S',
      root,
      '-B',
      build,
      '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
      '-DLC_BUILD_ADDON=OFF',
      '-DLC_BUILD_DOUBLES=ON',
    ],
    ['--build', build, '--parallel', '2'],
  ]) {
    const { status, stdout, stderr } = spawnSync('cmake', args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`The test doubles did not compile:\n${stdout}${stderr}`);
  }
}

/** For vitest: called once before all test files. */
export default buildDoubles;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) buildDoubles();

// Everything that is judged without running it: types, lint and format of TypeScript and C++, the lock file.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

function step(title, command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${title}`);
  if (status !== 0) {
    process.stdout.write(stdout + stderr);
    process.exitCode = 1;
  }
}

const sources = spawnSync(
  'git',
  ['ls-files', '-co', '--exclude-standard', '--', 'native/**/*.cpp', 'native/**/*.h'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .stdout.split('\n')
  .filter(Boolean);

step('types of src', bin('tsc'), ['-p', 'tsconfig.json', '--noEmit']);
step('types of test', bin('tsc'), ['-p', 'test/tsconfig.json']);
step('lint and format (biome)', bin('biome'), ['check', '--error-on-warnings', '.']);
step('format of C++ (clang-format)', bin('clang-format'), ['--dry-run', '--Werror', ...sources]);

if (readFileSync(path.join(root, 'package-lock.json'), 'utf8').includes('"resolved": "http')) {
  console.log(
    'FAILED package-lock.json names download addresses: npm install --omit-lockfile-registry-resolved',
  );
  process.exitCode = 1;
}

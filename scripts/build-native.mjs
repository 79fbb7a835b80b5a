// Compiles the addon with cmake-js and copies it where node-gyp-build looks for it.
// Usage: node scripts/build-native.mjs [--out DIR] [--config Release|Debug]
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(root, 'build', 'Release') },
    config: { type: 'string', default: 'Release' },
  },
});

// cmake keeps its own folder: node-gyp owns and wipes build/.
const work = path.join(root, 'build-cmake');
const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
// Configured each time: TENSORRT_ROOT may be another one.
for (const step of ['configure', 'compile']) {
  const { status } = spawnSync(
    process.execPath,
    [cmakeJs, step, '-d', root, '-O', work, '-B', values.config, '--log-level', 'error'],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (status !== 0) {
    console.error('latent-cache: the native addon did not compile; the compiler output is above.');
    process.exit(status ?? 1);
  }
}

mkdirSync(values.out, { recursive: true });
for (const name of readdirSync(values.out)) {
  if (name.endsWith('.so')) rmSync(path.join(values.out, name));
}
const built = path.join(work, values.config);
for (const name of readdirSync(built)) {
  if (name.endsWith('.node') || name.endsWith('.so'))
    copyFileSync(path.join(built, name), path.join(values.out, name));
}

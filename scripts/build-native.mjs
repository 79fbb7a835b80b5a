// Compiles the addon and its plug-ins with cmake and puts them where node-gyp-build looks for them. Nothing is downloaded:
// the headers of Node-API are a package.
// Usage: node scripts/build-native.mjs [--out DIR] [--config Release|Debug]
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { howToGet, isCommand, missingTools } from './build-tools.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(root, 'build', 'Release') },
    config: { type: 'string', default: 'Release' },
  },
});

const missing = missingTools();
if (missing.length > 0) {
  console.error(howToGet(missing));
  process.exit(1);
}

// cmake keeps its own folder: node-gyp owns and wipes build/.
const work = path.join(root, 'build-cmake');
const built = path.join(work, values.config);
const isConfigured = existsSync(path.join(work, 'CMakeCache.txt'));
const generator = !isConfigured && isCommand('ninja') ? ['-G', 'Ninja'] : [];
const options = [
  `-DCMAKE_BUILD_TYPE=${values.config}`,
  `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${built}`,
  `-DLC_NODE=${process.execPath}`,
];
for (const args of [
  // Configured each time: TENSORRT_ROOT may be another one.
  ['-S', root, '-B', work, '--log-level=WARNING', ...generator, ...options],
  ['--build', work, '--parallel', String(availableParallelism())],
]) {
  const { status } = spawnSync('cmake', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) {
    console.error('latent-cache: the native addon did not compile; the reason is above.');
    process.exit(1);
  }
}

mkdirSync(values.out, { recursive: true });
for (const name of readdirSync(values.out)) {
  if (name.endsWith('.so')) rmSync(path.join(values.out, name));
}
for (const name of readdirSync(built)) {
  if (name.endsWith('.node') || name.endsWith('.so'))
    copyFileSync(path.join(built, name), path.join(values.out, name));
}

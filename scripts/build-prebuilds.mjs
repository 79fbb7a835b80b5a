// Compiles the addon and its plug-ins and packs them, stripped, as npm ships them: prebuilds/linux-x64/.
// Usage: node scripts/build-prebuilds.mjs [--out DIR]   prebuilds/ is made there; default: the repository
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({ options: { out: { type: 'string', default: root } } });
const require = createRequire(import.meta.url);
const prebuilds = path.resolve(values.out, 'prebuilds');

function run(script, args, options = {}) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit', ...options });
  if (status !== 0) throw new Error(`${path.basename(path.dirname(script))} failed; the reason is above`);
}

/** node-gyp wants Node's headers, which no Node-API addon needs: those beside Node, else it downloads them. */
function headers() {
  const prefix = path.resolve(process.execPath, '..', '..');
  return existsSync(path.join(prefix, 'include', 'node', 'common.gypi'))
    ? { npm_config_nodedir: prefix }
    : {};
}

// node-gyp wipes build/, from which a test or a program may be running: it gets a folder of its own.
const project = mkdtempSync(path.join(tmpdir(), 'latent-cache-prebuilds-'));
try {
  for (const name of ['package.json', 'binding.gyp', 'CMakeLists.txt', 'scripts'])
    symlinkSync(path.join(root, name), path.join(project, name));
  run(require.resolve('prebuildify/bin.js'), ['--napi', '--strip', '--tag-libc', '--name', 'latent-cache'], {
    cwd: project,
    env: { ...process.env, ...headers(), PREBUILD_NODE_GYP: require.resolve('node-gyp/bin/node-gyp.js') },
  });
  rmSync(prebuilds, { recursive: true, force: true });
  cpSync(path.join(project, 'prebuilds'), prebuilds, { recursive: true });
} finally {
  rmSync(project, { recursive: true, force: true });
}
run(path.join(root, 'scripts', 'bundle-libraries.mjs'), [
  path.join(prebuilds, `${process.platform}-${process.arch}`),
]);

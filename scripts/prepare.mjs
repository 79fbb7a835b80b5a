// `npm ci` in a clone runs this: everything is compiled, or one line says what is missing.
// On Debian and Ubuntu, as root or with sudo that asks no password, missing compilers are installed, and oneDNN, without
// which onnxruntime encodes on the CPU.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILER_PACKAGES, howToGet, isCommand, missingTools } from './build-tools.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const ONEDNN = ['libdnnl-dev'];

const run = (command, args, options = {}) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status === 0;

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function hasOnednn() {
  const prefixes = [...(process.env.CMAKE_PREFIX_PATH ?? '').split(':'), '/usr/local', '/usr'];
  return prefixes.filter(Boolean).some((prefix) => existsSync(`${prefix}/include/oneapi/dnnl/dnnl.hpp`));
}

function install(packages) {
  if (!isDebian() || !isCommand('apt-get')) return false;
  const asRoot = process.getuid() === 0 ? [] : ['sudo', '-n'];
  if (asRoot.length > 0 && !run('sudo', ['-n', 'true'], { stdio: 'ignore' })) return false;
  const [command, ...args] = [...asRoot, 'apt-get'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  console.log(`latent-cache: installing ${packages.join(', ')} with apt-get`);
  run(command, [...args, 'update', '-q'], { env });
  return run(command, [...args, 'install', '-y', '-q', '--no-install-recommends', ...packages], { env });
}

const missing = missingTools();
if (missing.length > 0 && !install(COMPILER_PACKAGES)) {
  console.error(howToGet(missing));
  process.exit(1);
}
// When this fails, the build says what it leaves out.
if (!hasOnednn()) install(ONEDNN);

const [npmCommand, ...npmArgs] = process.env.npm_execpath
  ? [process.execPath, process.env.npm_execpath]
  : ['npm'];
const npm = (script) => run(npmCommand, [...npmArgs, 'run', '--silent', script]);
if (!npm('build:native') || !npm('build:ts')) process.exit(1);
for (const file of ['tensorrt-plugins.txt', 'onednn-plugin.txt']) {
  console.log(
    `latent-cache: built with ${readFileSync(path.join(root, 'build-cmake', file), 'utf8').trim()}`,
  );
}

// `npm ci` in a clone runs this: everything is compiled, or one line says what is missing.
// On Debian and Ubuntu, as root or with sudo that asks no password, missing compilers are installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const APT_PACKAGES = ['g++', 'make', 'cmake'];

const found = (command) =>
  (process.env.PATH ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, command)));
const run = (command, args, options = {}) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status === 0;

function missingTools() {
  const missing = [];
  if (!['c++', 'g++', 'clang++'].some(found)) missing.push('a C++ compiler');
  if (!found('cmake')) missing.push('cmake');
  if (!['make', 'ninja'].some(found)) missing.push('make');
  return missing;
}

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function installTools() {
  if (!isDebian() || !found('apt-get')) return false;
  const asRoot = process.getuid() === 0 ? [] : ['sudo', '-n'];
  if (asRoot.length > 0 && !run('sudo', ['-n', 'true'], { stdio: 'ignore' })) return false;
  const [command, ...args] = [...asRoot, 'apt-get'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  console.log(`latent-cache: installing ${APT_PACKAGES.join(', ')} with apt-get`);
  run(command, [...args, 'update', '-q'], { env });
  return run(command, [...args, 'install', '-y', '-q', '--no-install-recommends', ...APT_PACKAGES], { env });
}

const missing = missingTools();
if (missing.length > 0 && !installTools()) {
  console.error(`latent-cache: ${missing.join(' and ')} missing. On Debian or Ubuntu type:`);
  console.error(`  sudo apt-get install -y ${APT_PACKAGES.join(' ')}`);
  console.error('and then the same command again.');
  process.exit(1);
}

const [npmCommand, ...npmArgs] = process.env.npm_execpath
  ? [process.execPath, process.env.npm_execpath]
  : ['npm'];
const npm = (script) => run(npmCommand, [...npmArgs, 'run', '--silent', script]);
if (!npm('build:native') || !npm('build:ts')) process.exit(1);
const plugins = readFileSync(path.join(root, 'build-cmake', 'tensorrt-plugins.txt'), 'utf8').trim();
console.log(`latent-cache: built with ${plugins}`);

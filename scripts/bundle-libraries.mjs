// Copies what the CPU plug-in loads beside it, each library with its license, so that a prebuilt package runs where oneDNN
// is not installed. What every Linux with glibc has stays out.
// Usage: node scripts/bundle-libraries.mjs [FOLDER]   the plug-in's; default: the prebuilds for this machine
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeLibrary, isEverywhere } from './shared-library.mjs';

const PLUGIN = 'liblatent_cache_onednn.so';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = path.resolve(
  process.argv[2] ?? path.join(root, 'prebuilds', `${process.platform}-${process.arch}`),
);
const plugin = path.join(folder, PLUGIN);
const output = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });

/** A folder of the machine that built it has no place in what others run. */
function checkSearchPath() {
  const { searchPath } = describeLibrary(plugin);
  if (searchPath === '$ORIGIN') return;
  throw new Error(
    `${PLUGIN} looks for libraries in ${searchPath}: build it with oneDNN in a folder of the system`,
  );
}

/** Of all that it loads, directly or not: name → file. */
function neededLibraries() {
  const libraries = new Map();
  for (const line of output('ldd', plugin).split('\n')) {
    const [, name, file] = /^\s*(\S+) => (.+?)(?: \(0x[0-9a-f]+\))?$/.exec(line) ?? [];
    if (name === undefined || isEverywhere(name)) continue;
    if (!existsSync(file)) throw new Error(`${name}, which ${PLUGIN} needs, is ${file}`);
    libraries.set(name, realpathSync(file));
  }
  return libraries;
}

/** As Debian tells it, with the texts that it names; else as oneDNN installs it. */
function licenseOf(name, file) {
  const installed = path.join(
    path.dirname(file),
    '..',
    'share',
    'doc',
    /^lib([^.]+)/.exec(name)[1],
    'LICENSE',
  );
  if (existsSync(installed)) return readFileSync(installed, 'utf8');
  const [debianPackage] = output('dpkg-query', '-S', file).split(': ');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own fields
  const source = output('dpkg-query', '-W', '-f', '${source:Package} ${source:Version}', debianPackage);
  const copyright = readFileSync(`/usr/share/doc/${debianPackage.split(':')[0]}/copyright`, 'utf8');
  const named = new Set(
    [...copyright.matchAll(/\/usr\/share\/common-licenses\/[\w.-]*\w/g)].map(([text]) => text),
  );
  return [
    `${name}, unchanged, from Debian's source package ${source} (https://sources.debian.org)`,
    copyright,
    ...[...named].map((text) => `${text}:\n\n${readFileSync(text, 'utf8')}`),
  ].join('\n\n');
}

if (!existsSync(plugin)) {
  console.log('latent-cache: no oneDNN plug-in was built, nothing to bundle');
} else {
  const licenses = path.join(folder, 'licenses');
  rmSync(licenses, { recursive: true, force: true });
  for (const name of readdirSync(folder)) if (/\.so\.\d+$/.test(name)) rmSync(path.join(folder, name));
  checkSearchPath();
  const libraries = neededLibraries();
  mkdirSync(licenses);
  for (const [name, file] of libraries) {
    copyFileSync(file, path.join(folder, name));
    writeFileSync(path.join(licenses, `${name}.txt`), licenseOf(name, file));
  }
  console.log(`latent-cache: ${[...libraries.keys()].join(', ')} lie beside ${PLUGIN}`);
}

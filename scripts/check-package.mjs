// Is everything in the package, and nothing else? The last gate before a release; each fault is a line.
// Usage: node scripts/check-package.mjs PACKAGE [--release TAG]
//   PACKAGE    what npm pack made, or the folder that it was unpacked to
//   --release  also: all plug-ins are there, the binaries run on the oldest system that Node 20 runs on, and version,
//              changelog and repository fit the tag and the GitHub repository that is released from
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { describeLibrary, isEverywhere } from './shared-library.mjs';

const PREBUILDS = 'prebuilds/linux-x64';
const ADDON = `${PREBUILDS}/latent-cache.glibc.node`;
const NEEDED_FILES = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'CMakeLists.txt',
  'native/addon/CMakeLists.txt',
  'scripts/build-native.mjs',
  ADDON,
  `${PREBUILDS}/liblatent_cache_sim.so`,
  'docs/bench-report.schema.json',
];
const RELEASED_FILES = ['onednn', 'trt10', 'trt11'].map((name) => `${PREBUILDS}/liblatent_cache_${name}.so`);
/** With binding.gyp in it, npm 11 runs node-gyp in projects with a lock file, whatever "gypfile" says. */
const KNOWN_FILES = [
  /^(LICENSE|README\.md|CHANGELOG\.md|package\.json|CMakeLists\.txt)$/,
  /^assets\/selftest\/[\w-]+\.(json|f32)$/,
  /^bin\/[\w-]+\.cjs$/,
  /^dist\/.*\.(js|d\.ts)$/,
  /^docs\/([\w-]+\.md|bench-report\.schema\.json)$/,
  /^assets\/[\w/.-]+$/,
  /^native\/(?!tests\/|bench\/).*(\.cpp|\.h|\.map|CMakeLists\.txt)$/,
  /^scripts\/build-(native|tools)\.mjs$/,
  /^prebuilds\/linux-x64\/(latent-cache\.glibc\.node|lib\w+\.so(\.\d+)?|licenses\/lib\w+\.so\.\d+\.txt)$/,
];
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];
/** Of RHEL 8, the oldest that Node 20 supports. */
const OLDEST = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11' };

const isNewer = (one, other) => one.localeCompare(other, 'en', { numeric: true }) > 0;

function checkFiles(files, required) {
  return [
    ...required.filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
    ...files
      .filter((file) => !KNOWN_FILES.some((known) => known.test(file)))
      .map((file) => `${file} does not belong into the package`),
  ];
}

/** What package.json points to is there, and nothing runs when it is installed. */
function checkManifest(files, { bin, exports, scripts }) {
  const targets = [bin, exports].flatMap(function strings(value) {
    return typeof value === 'string' ? [value] : Object.values(value).flatMap(strings);
  });
  return [
    ...targets
      .map((target) => path.posix.normalize(target))
      .filter((target) => !files.includes(target))
      .map((target) => `${target} is missing, which package.json names`),
    ...INSTALL_SCRIPTS.filter((name) => name in scripts).map(
      (name) => `package.json has the script "${name}", which npm 12 blocks`,
    ),
  ];
}

function describe(file) {
  try {
    return describeLibrary(file);
  } catch {
    return undefined;
  }
}

function checkLibraries(folder, files, oldest) {
  const compiled = files.filter((file) => file.startsWith(PREBUILDS) && /\.node$|\.so(\.\d+)?$/.test(file));
  return compiled.flatMap((file) => {
    const description = describe(path.join(folder, file));
    if (description === undefined) return [`${file} is not a shared library`];
    const { needed, searchPath, versions } = description;
    const faults = needed
      .filter((name) => !isEverywhere(name) && !files.includes(`${PREBUILDS}/${name}`))
      .map((name) => `${file} needs ${name}, which is neither beside it nor on every system`);
    if (searchPath !== undefined && searchPath !== '$ORIGIN')
      faults.push(`${file} looks for libraries in ${searchPath}`);
    for (const version of versions) {
      const [library, number] = version.split('_');
      if (library in oldest && isNewer(number, oldest[library])) faults.push(`${file} needs ${version}`);
    }
    const license = `${PREBUILDS}/licenses/${path.basename(file)}.txt`;
    if (/\.so\.\d+$/.test(file) && !files.includes(license)) faults.push(`${license} is missing`);
    return faults;
  });
}

/** @param changelog the text of CHANGELOG.md */
function checkRelease({ version, repository }, changelog, tag) {
  const faults = [];
  if (tag !== `v${version}`) faults.push(`the tag is ${tag}, but package.json says ${version}`);
  const heading = `## [${version}] - `;
  const isDated = (line) => line.startsWith(heading) && /^\d{4}-\d\d-\d\d$/.test(line.slice(heading.length));
  if (!changelog.split('\n').some(isDated)) faults.push(`CHANGELOG.md has no line "${heading}" with a date`);
  const { GITHUB_REPOSITORY } = process.env;
  if (GITHUB_REPOSITORY && !(repository?.url ?? '').includes(`github.com/${GITHUB_REPOSITORY}`))
    faults.push(
      `package.json's "repository" is not github.com/${GITHUB_REPOSITORY}, so npm refuses its provenance`,
    );
  return faults;
}

/**
 * @param folder an unpacked package
 * @param tag of the release; undefined: a package of this machine, for this machine
 * @returns the faults, in words
 */
export function checkPackage(folder, tag) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  const text = (file) => readFileSync(path.join(folder, file), 'utf8');
  const manifest = JSON.parse(text('package.json'));
  return [
    ...checkFiles(files, tag === undefined ? NEEDED_FILES : [...NEEDED_FILES, ...RELEASED_FILES]),
    ...checkManifest(files, manifest),
    ...checkLibraries(folder, files, tag === undefined ? {} : OLDEST),
    ...(tag === undefined
      ? []
      : checkRelease(manifest, files.includes('CHANGELOG.md') ? text('CHANGELOG.md') : '', tag)),
  ];
}

function checkFile(file, tag) {
  if (statSync(file).isDirectory()) return checkPackage(file, tag);
  const folder = mkdtempSync(path.join(tmpdir(), 'latent-cache-package-'));
  try {
    execFileSync('tar', ['-xzf', path.resolve(file), '-C', folder]);
    return checkPackage(path.join(folder, 'package'), tag);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { release: { type: 'string' } },
  });
  if (positionals.length !== 1 || !existsSync(positionals[0])) {
    console.error('Usage: node scripts/check-package.mjs PACKAGE [--release TAG]');
    process.exit(1);
  }
  const faults = checkFile(positionals[0], values.release);
  for (const fault of faults) console.error(`latent-cache package: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
  else console.log(`latent-cache package: ${positionals[0]} is complete`);
}

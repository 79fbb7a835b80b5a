/** The gate before a release: a package in which one thing is wrong, and what it says. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { useScratchFolder } from './build-helpers.js';

const root = path.resolve(import.meta.dirname, '..');
const built = path.join(root, 'build', 'Release');
const PREBUILDS = 'prebuilds/linux-x64';
const ADDON = `${PREBUILDS}/latent-cache.glibc.node`;
const SIM = `${PREBUILDS}/liblatent_cache_sim.so`;
const MANIFEST = {
  name: 'latent-cache',
  version: '1.2.3',
  bin: { 'latent-cache': 'bin/latent-cache.cjs' },
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  scripts: { prepare: 'node scripts/prepare.mjs' },
  repository: { type: 'git', url: 'git+https://github.com/someone/latent-cache.git' },
};
const folder = useScratchFolder();
const write = async (file: string, text = '') => {
  await mkdir(path.join(folder(), path.dirname(file)), { recursive: true });
  await writeFile(path.join(folder(), file), text);
};
const manifest = (changes: object) => write('package.json', JSON.stringify({ ...MANIFEST, ...changes }));
/** As many bytes, so that the file stays valid. */
const patch = async (file: string, text: string, other: string) => {
  const bytes = await readFile(path.join(folder(), file), 'latin1');
  expect(bytes).toContain(text);
  expect(other.length).toBe(text.length);
  await writeFile(path.join(folder(), file), bytes.replaceAll(text, other), 'latin1');
};

/** Its lines; none when the package is right. */
async function faults(...args: string[]): Promise<string[]> {
  const script = path.join(root, 'scripts', 'check-package.mjs');
  const env = { ...process.env, GITHUB_REPOSITORY: 'someone/latent-cache' };
  try {
    await promisify(execFile)(process.execPath, [script, folder(), ...args], { env });
    return [];
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    expect(code).toBe(1);
    return stderr
      .trim()
      .split('\n')
      .map((line) => line.replace('latent-cache package: ', ''));
  }
}

beforeEach(async () => {
  const texts = ['LICENSE', 'README.md', 'CMakeLists.txt', 'native/addon/CMakeLists.txt'];
  const read = ['docs/bench-report.schema.json', 'scripts/build-native.mjs', 'bin/latent-cache.cjs'];
  for (const file of [...texts, ...read]) await write(file);
  for (const file of ['dist/index.js', 'dist/index.d.ts', ADDON, SIM]) await write(file);
  await write('CHANGELOG.md', '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2030-01-31\n\n- All.\n');
  await manifest({});
  await cp(path.join(built, 'latent_cache.node'), path.join(folder(), ADDON));
  await cp(path.join(built, 'liblatent_cache_sim.so'), path.join(folder(), SIM));
});

it('a whole package is right', async () => {
  expect(await faults()).toEqual([]);
});

it.each([
  'LICENSE',
  'CHANGELOG.md',
  'CMakeLists.txt',
  'scripts/build-native.mjs',
  ADDON,
  SIM,
])('it misses %s', async (file) => {
  await rm(path.join(folder(), file));
  expect(await faults()).toEqual([`${file} is missing`]);
});

it.each([
  'binding.gyp',
  'native/tests/CMakeLists.txt',
  'test/build.test.ts',
  'dist/index.js.map',
  `${PREBUILDS}/notes.txt`,
  '.npmrc',
])('it finds %s, which does not belong there', async (file) => {
  await write(file);
  expect(await faults()).toEqual([`${file} does not belong into the package`]);
});

it.each([
  'dist/index.d.ts',
  'bin/latent-cache.cjs',
])('it misses %s, which package.json names', async (file) => {
  await rm(path.join(folder(), file));
  expect(await faults()).toEqual([`${file} is missing, which package.json names`]);
});

it.each(['preinstall', 'install', 'postinstall'])('it finds the script %s', async (name) => {
  await manifest({ scripts: { [name]: 'node-gyp-build' } });
  expect(await faults()).toEqual([`package.json has the script "${name}", which npm 12 blocks`]);
});

describe('compiled files', () => {
  it('that are none', async () => {
    await write(ADDON, 'not compiled');
    expect(await faults()).toEqual([`${ADDON} is not a shared library`]);
  });

  it('that are one addon too many', async () => {
    await cp(path.join(folder(), ADDON), path.join(folder(), PREBUILDS, 'other.node'));
    expect(await faults()).toEqual([`${PREBUILDS}/other.node does not belong into the package`]);
  });

  it('that need a library of the machine that built them', async () => {
    await patch(ADDON, 'libstdc++.so.6', 'libother++.so.');
    expect(await faults()).toEqual([
      `${ADDON} needs libother++.so., which is neither beside it nor on every system`,
    ]);
  });

  it('that look in a folder of the machine that built them', async () => {
    await patch(ADDON, '\0$ORIGIN\0', '\0/home/a\0');
    expect(await faults()).toEqual([`${ADDON} looks for libraries in /home/a`]);
  });

  it('of others without their license', async () => {
    await cp(path.join(folder(), SIM), path.join(folder(), PREBUILDS, 'libother.so.1'));
    expect(await faults()).toEqual([`${PREBUILDS}/licenses/libother.so.1.txt is missing`]);
  });
});

describe('a release', () => {
  /** Whatever glibc the tests run on: what its symbols are called is another matter. */
  const others = async (...args: string[]) => {
    return (await faults('--release', ...args)).filter(
      (fault) => !/needs (GLIBC|GLIBCXX|CXXABI)_/.test(fault),
    );
  };
  beforeEach(async () => {
    for (const name of ['onednn', 'trt10', 'trt11'])
      await cp(path.join(folder(), SIM), path.join(folder(), PREBUILDS, `liblatent_cache_${name}.so`));
  });

  it('that is right', async () => {
    expect(await others('v1.2.3')).toEqual([]);
  });

  it.each(['onednn', 'trt10', 'trt11'])('without the plug-in of %s', async (name) => {
    await rm(path.join(folder(), PREBUILDS, `liblatent_cache_${name}.so`));
    expect(await others('v1.2.3')).toEqual([`${PREBUILDS}/liblatent_cache_${name}.so is missing`]);
  });

  it('that needs a newer glibc than Node 20', async () => {
    await patch(SIM, 'GLIBC_2.14', 'GLIBC_2.29');
    expect(await faults('--release', 'v1.2.3')).toContain(`${SIM} needs GLIBC_2.29`);
  });

  it('whose tag is another version', async () => {
    expect(await others('v1.2.4')).toEqual(['the tag is v1.2.4, but package.json says 1.2.3']);
  });

  it.each([
    '## [Unreleased]',
    '## [1.2.3] - soon',
    '## [1x2.3] - 2030-01-31',
  ])('with only %j in the changelog', async (line) => {
    await write('CHANGELOG.md', `# Changelog\n\n${line}\n`);
    expect(await others('v1.2.3')).toEqual(['CHANGELOG.md has no line "## [1.2.3] - " with a date']);
  });

  it.each([
    undefined,
    { type: 'git', url: 'git+https://github.com/another/latent-cache.git' },
  ])('whose repository is %j', async (repository) => {
    await manifest({ repository });
    expect(await others('v1.2.3')).toEqual([
      'package.json\'s "repository" is not github.com/someone/latent-cache, so npm refuses its provenance',
    ]);
  });
});

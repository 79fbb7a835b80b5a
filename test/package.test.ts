/** The package as a user gets it: packed, installed into an empty project and used there. Needs the npm registry. */
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cleanEnvironment,
  execute,
  installPackage,
  type Outcome,
  packPackage,
  type Toolchain,
  toolchains,
} from './package-helpers.js';

const root = path.resolve(import.meta.dirname, '..');
const bin = path.join(root, 'node_modules', '.bin');
const hasOnednn = existsSync(path.join(root, 'build', 'Release', 'liblatent_cache_onednn.so'));
const MINUTES = 60_000;

/** Commands that work in a fresh installation, with something that each prints. `demo` encodes: oneDNN does it. */
const DEMO = [['demo'], /Encoder: cpu on .*[\s\S]*\nDone: 5 encoded, 0 skipped, 0 failed/] as const;
const COMMANDS: readonly (readonly [args: readonly string[], prints: RegExp])[] = [
  [['--version'], /^\d+\.\d+\.\d+\n$/],
  [['doctor'], /^ok +addon: the native addon loads/m],
  DEMO,
];

const CONSUMERS = {
  'esm.mjs': `
    import { BUCKET_DEFAULTS, loadBinding } from 'latent-cache';
    console.log(typeof loadBinding().transform, typeof BUCKET_DEFAULTS);`,
  'commonjs.cjs': `
    import('latent-cache').then(({ BUCKET_DEFAULTS, loadBinding }) => {
      console.log(typeof loadBinding().transform, typeof BUCKET_DEFAULTS);
    });`,
  'require.cjs': `
    const { BUCKET_DEFAULTS, loadBinding } = require('latent-cache');
    console.log(typeof loadBinding().transform, typeof BUCKET_DEFAULTS);`,
};

/** A local build, which would be preferred, is not looked for. */
const prebuildsOnly = () => ({ ...cleanEnvironment(), PREBUILDS_ONLY: '1' });

let folder = '';
let tarball = '';
let tools: Awaited<ReturnType<typeof toolchains>>;
const projects = { npm11: '', npm12: '' };
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-package-'));
  [tarball, tools] = await Promise.all([packPackage(folder), toolchains()]);
  for (const name of ['npm11', 'npm12'] as const)
    projects[name] = await installPackage(tarball, path.join(folder, name), tools[name]);
}, 10 * MINUTES);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  it('is complete, and has nothing else in it', async () => {
    const check = path.join(root, 'scripts', 'check-package.mjs');
    expect(await execute(process.execPath, [check, tarball], { cwd: root })).toMatchObject({
      stderr: '',
      code: 0,
    });
  });

  it('is a sound package for publint', async () => {
    const { stdout, code } = await execute(path.join(bin, 'publint'), [tarball, '--strict'], { cwd: root });
    expect(stdout).toContain('All good!');
    expect(code).toBe(0);
  });

  it('has types that fit what Node.js loads, for attw', async () => {
    const args = [tarball, '--profile', 'esm-only', '--no-emoji'];
    const { stdout, code } = await execute(path.join(bin, 'attw'), args, { cwd: root });
    expect(stdout).toMatch(/node16 \(from ESM\).*OK \(ESM\)/);
    expect(code).toBe(0);
  });
});

describe.each(['npm11', 'npm12'] as const)('installed by %s', (name) => {
  let tool: Toolchain;
  let project = '';
  beforeAll(() => {
    tool = tools[name];
    project = projects[name];
  });
  const use = (args: readonly string[]) => execute(tool.node, args, { cwd: project, env: prebuildsOnly() });

  it('brings the native part, and not onnxruntime', () => {
    expect(existsSync(path.join(project, 'node_modules', 'latent-cache', 'prebuilds'))).toBe(true);
    expect(existsSync(path.join(project, 'node_modules', 'onnxruntime-node'))).toBe(false);
  });

  it.skipIf(!hasOnednn).each(COMMANDS)('latent-cache %j works', async (args, prints) => {
    const command = path.join(project, 'node_modules', '.bin', 'latent-cache');
    const { stdout, stderr, code } = await use([command, ...args]);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toMatch(prints);
  });

  it.skipIf(!hasOnednn)('latent-cache selftest --device cpu passes', async () => {
    const command = path.join(project, 'node_modules', '.bin', 'latent-cache');
    // all of it once: the network of full size takes a minute
    const extent = name === 'npm12' ? [] : ['--quick'];
    const { stdout, code } = await use([command, 'selftest', '--device', 'cpu', ...extent]);
    expect(stdout).toMatch(/^PASS: \d+ checks passed/m);
    expect(code).toBe(0);
  });

  it.each(Object.entries(CONSUMERS))('%s can use it', async (file, text) => {
    await writeFile(path.join(project, file), text);
    expect(await use(['--disable-warning=ExperimentalWarning', file])).toEqual({
      code: 0,
      stdout: 'function object\n',
      stderr: '',
    });
  });

  it('runs no script and compiles nothing when a lock file is installed', async () => {
    await rm(path.join(project, 'node_modules'), { recursive: true });
    const { stdout, stderr, code } = await tool.npm(['ci'], project);
    expect(code, stderr).toBe(0);
    expect(stdout + stderr).not.toMatch(/script|gyp/);
    expect(existsSync(path.join(project, 'node_modules', 'latent-cache', 'build'))).toBe(false);
    expect((await use(['esm.mjs'])).stdout).toBe('function object\n');
  });
});

describe('its types', () => {
  const SOURCES = {
    'esm.mts': `
      import { type BuildOptions, buildCache } from 'latent-cache';
      const options: BuildOptions = { inputs: ['photos'], vae: 'vae.safetensors', model: 'sdxl' };
      for await (const event of buildCache(options)) if (event.type === 'summary') event.encoded.toFixed();`,
    'commonjs.cts': `
      import type { BuildOptions } from 'latent-cache' with { 'resolution-mode': 'import' };
      const options: BuildOptions = { inputs: ['photos'], vae: 'vae.safetensors', model: 'sdxl' };
      export const started = import('latent-cache').then(({ buildCache }) => buildCache(options));`,
    'require.cts': `
      import latentCache = require('latent-cache');
      export const code: latentCache.ErrorCode = 'ERR_OPTION';
      export const binding: latentCache.NativeBinding = latentCache.loadBinding();`,
  };
  const check = async (file: string, text: string) => {
    const project = projects.npm11;
    await writeFile(path.join(project, file), text);
    const types = ['--types', 'node', '--typeRoots', path.join(root, 'node_modules', '@types')];
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--skipLibCheck',
      'false',
    ];
    return execute(path.join(bin, 'tsc'), ['--ignoreConfig', ...options, ...types, file], { cwd: project });
  };

  it.each(Object.entries(SOURCES))('are right for %s', async (file, text) => {
    expect(await check(file, text)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('refuse what the package does not have', async () => {
    const { stdout, code } = await check('wrong.cts', "import x = require('latent-cache'); x.loadVae(1);");
    expect(stdout).toContain('wrong.cts');
    expect(code).not.toBe(0);
  });
});

describe('without prebuilt binaries', () => {
  let project = '';
  const installed = () => path.join(project, 'node_modules', 'latent-cache');
  const script = () => path.join(installed(), 'scripts', 'build-native.mjs');
  const command = () => path.join(project, 'node_modules', '.bin', 'latent-cache');
  const index = () => execute(process.execPath, [command(), 'index', '.'], { cwd: project });
  const sentence = (outcome: Outcome) => outcome.stderr.trim().split('\n');
  beforeAll(async () => {
    project = path.join(folder, 'source');
    await cp(projects.npm11, project, { recursive: true, verbatimSymlinks: true });
  });

  it('an addon that does not load says why, and how to compile it', async () => {
    await writeFile(path.join(installed(), 'prebuilds', 'linux-x64', 'latent-cache.glibc.node'), 'nothing');
    const [why, remedy, ...more] = sentence(await index());
    expect(why).toMatch(
      /^latent-cache: The native part does not load on this machine \(linux x64\): .*file too short/,
    );
    expect(remedy).toContain(`node "${script()}"`);
    expect(more).toEqual([]);
  });

  it('a command says in one sentence how to compile it', async () => {
    await rm(path.join(installed(), 'prebuilds'), { recursive: true });
    const [why, remedy, ...more] = sentence(await index());
    expect(why).toBe(
      'latent-cache: The native part was not compiled for this machine (linux x64) [ERR_ADDON_MISSING]',
    );
    expect(remedy).toContain(`node "${script()}"`);
    expect(more).toEqual([]);
  });

  it('npm rebuild compiles nothing, and leaves everything as it was', async () => {
    expect(await tools.npm11.npm(['rebuild', 'latent-cache'], project)).toMatchObject({ code: 0 });
    expect(existsSync(path.join(installed(), 'build'))).toBe(false);
    expect((await index()).stderr).toContain('ERR_ADDON_MISSING');
  });

  it.each([
    [[], 'a C++20 compiler, cmake and make'],
    [['g++', 'make'], 'cmake'],
    [['cmake', 'ninja'], 'a C++20 compiler'],
  ])('compiling with only %j on the PATH asks for what is missing', async (there, missing) => {
    const commands = await mkdtemp(path.join(folder, 'path-'));
    for (const name of there) await symlink('/bin/false', path.join(commands, name));
    const env = { ...cleanEnvironment(), PATH: commands, CXX: undefined };
    expect(await execute(process.execPath, [script()], { cwd: project, env })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `latent-cache: to compile the native part, install ${missing} ` +
        '(Debian and Ubuntu: sudo apt-get install -y g++ make cmake), then run the same command again.\n',
    });
  });

  // About 100 files of C++.
  it.each(['npm11', 'npm12'] as const)('%s compiles it where it is installed', {
    timeout: 15 * MINUTES,
  }, async (name) => {
    const { npm } = tools[name];
    const { code, stderr } = await npm(
      ['explore', 'latent-cache', '--', 'npm', 'run', 'build:native'],
      project,
    );
    expect(code, stderr).toBe(0);
    const [args, prints] = DEMO;
    await rm(path.join(project, 'latent-cache-demo'), { recursive: true, force: true });
    const used = await execute(process.execPath, [command(), ...args], { cwd: project });
    if (hasOnednn) expect(used.stdout).toMatch(prints);
    expect(await readFile(path.join(project, 'package.json'), 'utf8')).not.toContain('allowScripts');
  });
});

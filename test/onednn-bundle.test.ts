/** The CPU plug-in as it is shipped: what it loads, where from, and which processors its code asks for. Needs oneDNN. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeSeededVae } from '#dist/model/seeded-vae.js';
import { drawImage } from './build-helpers.js';
import { SMALL, scratchFolder } from './encoder-helpers.js';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..');
const built = path.join(root, 'build', 'Release');
const PLUGIN = 'liblatent_cache_onednn.so';
const ADDON = 'latent_cache.node';
const isThere = existsSync(path.join(built, PLUGIN));
const without = isThere ? '' : ' (not built: install libdnnl-dev)';
const scratch = scratchFolder();

/** Of glibc and of the compiler: a Linux that runs Node has them. */
const EVERYWHERE = [
  'ld-linux-x86-64',
  'libc',
  'libm',
  'libdl',
  'libpthread',
  'librt',
  'libstdc++',
  'libgcc_s',
];
const isEverywhere = (library: string) => EVERYWHERE.includes(path.basename(library).split('.so')[0]!);

async function objdump(...args: string[]): Promise<string> {
  return (await run('objdump', args, { maxBuffer: 2 ** 28 })).stdout;
}

async function neededBy(file: string): Promise<string[]> {
  return [...(await objdump('-p', file)).matchAll(/NEEDED\s+(\S+)/g)].map(([, name]) => name!);
}

describe.skipIf(!isThere)(`the shipped plug-in${without}`, () => {
  const folder = scratch.bind(null, 'bundle');
  beforeAll(async () => {
    await mkdir(folder());
    for (const name of [PLUGIN, ADDON]) await copyFile(path.join(built, name), path.join(folder(), name));
    await run(process.execPath, [path.join(root, 'scripts', 'bundle-libraries.mjs'), folder()]);
  }, 60_000);
  const libraries = async () => (await readdir(folder())).filter((name) => /\.so\.\d+$/.test(name));

  it('has everything beside it that it needs', async () => {
    const there = await libraries();
    const needed = await Promise.all([PLUGIN, ...there].map((name) => neededBy(path.join(folder(), name))));
    const own = new Set(needed.flat().filter((name) => !isEverywhere(name)));
    expect(own).toEqual(new Set(there));
    expect(there.some((name) => name.startsWith('libdnnl.so.'))).toBe(true);
  });

  it('loads them from there, although the system has them', async () => {
    const script = `
      const addon = require(${JSON.stringify(path.join(folder(), ADDON))});
      const plugin = ${JSON.stringify(path.join(folder(), PLUGIN))};
      addon.probeBackend({ plugin, libraryFolders: [] }).then(() => {
        process.stdout.write(require('node:fs').readFileSync('/proc/self/maps', 'utf8'));
      });`;
    const { LD_LIBRARY_PATH: _, ...env } = process.env;
    const { stdout } = await run(process.execPath, ['-e', script], { env });
    const loaded = new Set(stdout.match(/\/\S+\.so(?=[.\s])\S*/g)!.filter((file) => !isEverywhere(file)));
    const expected = [PLUGIN, ...(await libraries())].map((name) => path.join(folder(), name));
    expect(loaded).toEqual(new Set(expected));
  });

  it('has the license of each', async () => {
    const licenses = await readdir(path.join(folder(), 'licenses'));
    expect(licenses.sort()).toEqual((await libraries()).map((name) => `${name}.txt`).sort());
    const dnnl = licenses.find((name) => name.startsWith('libdnnl'))!;
    expect(await readFile(path.join(folder(), 'licenses', dnnl), 'utf8')).toContain('Apache License');
  });
});

describe.skipIf(!isThere)(`a plug-in whose library is missing${without}`, () => {
  it('leaves the CPU to onnxruntime, and the reason names the library', { timeout: 60_000 }, async () => {
    const folder = scratch('without');
    const release = path.join(folder, 'build', 'Release');
    await mkdir(release, { recursive: true });
    await copyFile(path.join(built, ADDON), path.join(release, ADDON));
    // As many bytes, so that the file stays valid: it needs a library that no system has.
    const plugin = await readFile(path.join(built, PLUGIN), 'latin1');
    await writeFile(path.join(release, PLUGIN), plugin.replace('libdnnl.so.', 'libdnnl.no.'), 'latin1');
    const vae = scratch('vae.safetensors');
    await writeSeededVae(vae, { seed: 3, ...SMALL });
    const images = scratch('images');
    await mkdir(images);
    await drawImage(path.join(images, 'one.png'), 256, 256, 40);

    const options = ['--model', 'sdxl', '--resolution', '256', '--backend', 'auto', '--log-format', 'json'];
    const { stdout } = await run(
      process.execPath,
      [path.join(root, 'bin', 'latent-cache.cjs'), 'build', images, '--vae', vae, ...options],
      { env: { ...process.env, LATENT_CACHE_PREBUILD: folder } },
    );
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.find(({ type }) => type === 'encoder')).toMatchObject({
      backend: 'cpu',
      reason: expect.stringMatching(/no oneDNN: .*libdnnl\.no\.\d+: cannot open shared object file/),
    });
    expect(events.at(-1)).toMatchObject({ type: 'summary', encoded: 1 });
  });
});

describe.skipIf(!isThere)(`the code of the plug-in${without}`, () => {
  const objects = async () => {
    const folders = ['onednn', 'plugin'].map((name) => path.join(root, 'build-cmake', 'native', name));
    const files = await Promise.all(
      folders.map(async (folder) =>
        (await readdir(folder, { recursive: true })).map((f) => path.join(folder, f)),
      ),
    );
    return files.flat().filter((file) => file.endsWith('.o'));
  };
  const isDispatched = (file: string) => /kernels_avx\w*\.cpp\.o$/.test(file);
  /** Anything on a 256-bit or 512-bit register, and the three-operand forms of the 128-bit ones. */
  const AVX = /%[yz]mm\d|\tv[a-z]\w+ .*%xmm\d/;

  it('asks for AVX in the dispatched kernels only', { timeout: 60_000 }, async () => {
    const withAvx = [];
    for (const file of await objects())
      if (AVX.test(await objdump('-d', '--no-show-raw-insn', file))) withAvx.push(file);
    expect(withAvx).toEqual((await objects()).filter(isDispatched));
    expect(withAvx.length).toBeGreaterThan(0);
  });

  it('runs nothing of those kernels before one is chosen', async () => {
    for (const file of (await objects()).filter(isDispatched))
      expect(await objdump('-h', file), file).not.toMatch(/\.(init_array|ctors|text\.startup)/);
  });

  it('has no function in those kernels that the linker may take for others', async () => {
    for (const file of (await objects()).filter(isDispatched))
      expect(await objdump('-t', file), file).not.toMatch(/^\S+ +[uw]\S* +F? *\.text/m);
  });
});

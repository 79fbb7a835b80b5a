import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import type { BuildEngineOptions } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { useScratchFolder } from './build-helpers.js';
import { toyPlugin } from './toy-device.js';

const folder = useScratchFolder();
const binding = loadBinding();
const root = fileURLToPath(new URL('..', import.meta.url));
const options: BuildEngineOptions = {
  plugin: toyPlugin,
  libraryFolders: [],
  device: 0,
  graph: new Uint8Array(4),
  tensors: [],
  minimum: { count: 1, height: 8, width: 8 },
  optimum: { count: 2, height: 16, width: 16 },
  maximum: { count: 4, height: 64, width: 32 },
  allowTf32: false,
  optimizationLevel: 3,
  memoryLimit: 2 ** 30,
  timingCache: null,
};

afterEach(() => {
  delete process.env.LC_TOY;
});

it('gives the plan and the timing cache, and maps the tensors', async () => {
  const file = `${folder()}/weights`;
  writeFileSync(file, new Uint8Array(100));
  const tensors = [
    { name: 'a', path: file, offset: 10, bytes: 20 },
    { name: 'b', path: file, offset: 50, bytes: 50 },
  ];
  const { plan, timingCache } = await binding.buildEngine({ ...options, tensors }, () => {});
  expect(new TextDecoder().decode(plan)).toBe(
    'toy maxcount=4 minheight=8 maxheight=64 minwidth=8 maxwidth=32 weights=70',
  );
  expect(new TextDecoder().decode(timingCache!)).toBe('toy timings');
});

it('reports each step in order while it builds', async () => {
  process.env.LC_TOY = 'build_steps=4,build_ms=20';
  const steps: [string, number, number][] = [];
  await binding.buildEngine(options, (...step) => steps.push(step));
  expect(steps).toEqual([1, 2, 3, 4].map((step) => ['Toying', step, 4]));
});

it('is ERR_ENGINE_BUILD when the back-end refuses the network', async () => {
  process.env.LC_TOY = 'fail_build=13';
  await expect(binding.buildEngine(options, () => {})).rejects.toMatchObject({
    code: 'ERR_ENGINE_BUILD',
    op: 'toyBuild',
  });
});

it('is ERR_ENGINE_BUILD with the path of weights that are not there', async () => {
  const missing = `${folder()}/none`;
  const tensors = [{ name: 'a', path: missing, offset: 0, bytes: 1 }];
  await expect(binding.buildEngine({ ...options, tensors }, () => {})).rejects.toMatchObject({
    code: 'ERR_ENGINE_BUILD',
    path: missing,
  });
});

it.each([
  ['graph', { graph: 'model' }],
  ['tensors', { tensors: {} }],
  ['each of tensors', { tensors: [1] }],
  ['minimum', { minimum: 1 }],
  ['count', { maximum: { count: 0, height: 8, width: 8 } }],
  ['allowTf32', { allowTf32: 1 }],
  ['optimizationLevel', { optimizationLevel: 6 }],
  ['memoryLimit', { memoryLimit: -1 }],
  ['timingCache', { timingCache: undefined }],
])('refuses a wrong %s', (name, change) => {
  const wrong = { ...options, ...change } as unknown as BuildEngineOptions;
  expect(() => binding.buildEngine(wrong, () => {})).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining(name) }),
  );
});

it('passes what onProgress throws on to the process', () => {
  const code = `
    import { loadBinding } from '#dist/native/load.js';
    process.once('uncaughtException', (error) => console.log('caught', error.message));
    const options = ${JSON.stringify({ ...options, graph: null })};
    options.graph = new Uint8Array(4);
    process.env.LC_TOY = 'build_steps=1';
    await loadBinding().buildEngine(options, () => { throw new Error('mine'); });`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stdout).toBe('caught mine\n');
});

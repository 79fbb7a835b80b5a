import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type BuildTick,
  type CompileOptions,
  type CompileRequest,
  compileEngine,
} from '#dist/encoder/tensorrt/compile-engine.js';
import { stageBuild } from '#dist/encoder/tensorrt/stage-build.js';
import { useScratchFolder } from './build-helpers.js';
import { errorOf } from './tensorrt-helpers.js';

const folder = useScratchFolder();
const shape = { count: 1, height: 64, width: 64 };
const childEntry = new URL('./children/build-child.mjs', import.meta.url);

function compile(task: string, request: Partial<CompileRequest> = {}, options: Partial<CompileOptions> = {}) {
  return compileEngine(
    {
      plugin: '/fake/plugin.so',
      libraryFolders: [],
      device: 0,
      minimum: shape,
      optimum: shape,
      maximum: shape,
      allowTf32: false,
      optimizationLevel: 3,
      memoryLimit: 4096,
      measure: [shape],
      graph: Buffer.from(task),
      tensors: [],
      timingCache: null,
      ...request,
    },
    { workFolder: folder(), entry: childEntry, ...options },
  );
}

async function appears(file: string): Promise<number> {
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') await sleep(10);
  return Number(await readFile(file, 'utf8'));
}

async function disappears(pid: number): Promise<void> {
  // a zombie has no command line any more
  while (existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '') await sleep(10);
}

describe('a build in a child process', () => {
  it('gives plan, timing cache and memory', async () => {
    const request = {
      tensors: [{ name: 'w', values: Uint8Array.of(1, 2, 3) }],
      timingCache: Buffer.from('old'),
      measure: [shape, { ...shape, count: 2 }],
    };
    const built = await compile('build', request);
    expect(JSON.parse(Buffer.from(built.plan).toString())).toEqual({
      tensors: [['w', '010203']],
      memoryLimit: 4096,
    });
    expect(Buffer.from(built.timingCache!).toString()).toBe('old+');
    expect(built.weightBytes).toBe(77);
    expect(built.memory.map(({ shape: { count }, arenaBytes }) => [count, arenaBytes])).toEqual([
      [1, 100],
      [2, 200],
    ]);
    expect(await readdir(folder())).toEqual([]);
  });

  it('keeps an engine that is too large to be measured', async () => {
    expect(await compile('large')).toMatchObject({ weightBytes: null, memory: [], timingCache: null });
  });

  it('ends with the error of the builder', async () => {
    const error = await errorOf(compile('refuse'));
    expect(error).toMatchObject({
      code: 'ERR_ENGINE_BUILD',
      message: 'no implementation',
      op: 'buildSerializedNetwork',
    });
  });

  it('that crashes is an error with the signal and the last words, and leaves nothing', async () => {
    const error = await errorOf(compile('crash'));
    expect(error.code).toBe('ERR_ENGINE_BUILD');
    expect(error.message).toMatch(/SIGSEGV.*last words/);
    expect(await readdir(folder())).toEqual([]);
  });

  it('that exits by itself is an error with the exit code', async () => {
    expect((await errorOf(compile('exit'))).message).toContain('exit code 3');
  });

  it('is ended by its signal, and leaves nothing', async () => {
    const pidFile = path.join(folder(), 'pid');
    const controller = new AbortController();
    const error = errorOf(compile(`hang ${pidFile}`, {}, { signal: controller.signal }));
    const pid = await appears(pidFile);
    controller.abort();
    expect((await error).code).toBe('ERR_ABORTED');
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(await readdir(folder())).toEqual(['pid']);
  });

  it('does not start when its signal came before', async () => {
    const error = await errorOf(compile('build', {}, { signal: AbortSignal.abort() }));
    expect(error.code).toBe('ERR_ABORTED');
    expect(await readdir(folder())).toEqual([]);
  });

  it('goes on telling the time while the builder is silent', async () => {
    const ticks: BuildTick[] = [];
    const controller = new AbortController();
    const onProgress = (tick: BuildTick) => {
      ticks.push(tick);
      if (ticks.filter(({ phase }) => phase === 'Tactics').length === 3) controller.abort();
    };
    await errorOf(
      compile(`hang ${path.join(folder(), 'pid')}`, {}, { signal: controller.signal, onProgress }),
    );
    expect(ticks[0]!.phase).toBe('Starting');
    const seconds = ticks.map((tick) => tick.seconds);
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
  });

  it('ends when its parent is killed', async () => {
    const pidFile = path.join(folder(), 'pid');
    const parent = fork(fileURLToPath(new URL('./children/build-parent.mjs', import.meta.url)), [
      folder(),
      pidFile,
    ]);
    const pid = await appears(pidFile);
    parent.kill('SIGKILL');
    await disappears(pid);
  });

  it('outlives Ctrl-C, which reaches it too: the parent decides', async () => {
    const pidFile = path.join(folder(), 'pid');
    const controller = new AbortController();
    const error = errorOf(compile(`hang ${pidFile}`, {}, { signal: controller.signal }));
    const pid = await appears(pidFile);
    process.kill(pid, 'SIGINT');
    await sleep(100);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    controller.abort();
    expect((await error).code).toBe('ERR_ABORTED');
  });
});

describe('staging weights', () => {
  it('names unchanged tensors by their source and copies the others', async () => {
    const model = path.join(folder(), 'model');
    await writeFile(model, Buffer.from('..unchanged..replaced.'));
    const text = (value: string) => Buffer.from(value);
    await using staged = await stageBuild(
      folder(),
      text('graph'),
      [
        { name: 'a', values: text('unchanged'), source: { path: model, offset: 2, bytes: 9 } },
        { name: 'b', values: text('original'), source: { path: model, offset: 13, bytes: 8 } },
        { name: 'c', values: Float32Array.of(1, 2), source: undefined },
        { name: 'd', values: text('gone'), source: { path: `${model}-x`, offset: 0, bytes: 4 } },
      ],
      null,
    );
    const [a, ...copied] = staged.tensors;
    expect(a).toEqual({ name: 'a', path: model, offset: 2, bytes: 9 });
    const contents = await Promise.all(
      copied.map(async ({ path: file, offset, bytes }) =>
        (await readFile(file)).subarray(offset, offset + bytes),
      ),
    );
    expect(contents).toEqual([text('original'), Buffer.from(Float32Array.of(1, 2).buffer), text('gone')]);
    expect(copied.map(({ offset }) => offset % 64)).toEqual([0, 0, 0]);
  });
});

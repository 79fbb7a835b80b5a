import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { useScratchFolder } from './build-helpers.js';
import { HEIGHT, NOTHING_LEFT, ROW, toyCounters, toyPlugin, WIDTH, writePlan } from './toy-device.js';

const folder = useScratchFolder();
const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Code of a module that opens a toy device with an engine, and starts 8 calls: `device`, `encode(ticket)`, `calls`.
 * Imports are absolute, so that a worker can take it from a data: address.
 */
const prelude = () => `
  import { loadBinding } from '${new URL('../dist/native/load.js', import.meta.url)}';
  const binding = loadBinding();
  const options = { plugin: ${JSON.stringify(toyPlugin)}, libraryFolders: [], device: 0, memoryBudget: 2 ** 26 };
  let device = await binding.openDevice({ ...options, slots: 2 });
  const engine = await device.loadEngine(${JSON.stringify(writePlan(folder()))});
  const encode = (ticket) => device.encode(ticket, engine.id, [new Uint8Array(${HEIGHT * WIDTH * 3})], ${HEIGHT}, ${WIDTH},
    new Float32Array(${ROW}));
  const start = () => Array.from({ length: 8 }, (_, ticket) => encode(ticket));
`;

function runChild(code: string, { toy = '', args = [] as string[], env = {} } = {}) {
  const flags = [...args, '--input-type=module', '--eval', prelude() + code];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, flags, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, LC_TOY: toy, ...env },
  });
  return { status, signal, stdout, stderr };
}

const ENDED_WELL = { status: 0, signal: null, stderr: '' };

function startWorker(code: string): Worker {
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(prelude() + code)}`));
}

describe('a worker thread', () => {
  it('that is terminated with calls in flight leaves nothing, again and again', async () => {
    process.env.LC_TOY = 'run_ms=5';
    for (let round = 0; round < 5; round++) {
      const worker = startWorker(`
        import { parentPort } from 'node:worker_threads';
        start();
        parentPort.postMessage('busy');`);
      await new Promise((busy) => worker.once('message', busy));
      expect(toyCounters().liveDevices).toBe(1);
      await worker.terminate();
      expect(toyCounters()).toMatchObject(NOTHING_LEFT);
    }
  });

  it('that ends by itself with an open device leaves nothing', async () => {
    const worker = startWorker('await Promise.all(start());');
    expect(await new Promise((exit) => worker.once('exit', exit))).toBe(0);
    expect(toyCounters()).toMatchObject(NOTHING_LEFT);
  });

  it('works beside another one, each with a device of its own', async () => {
    process.env.LC_TOY = 'run_ms=2';
    const code = `
      import { parentPort } from 'node:worker_threads';
      for (let round = 0; round < 5; round++) await Promise.all(start());
      await device.close();
      parentPort.postMessage(device.counters());`;
    const answers = [1, 2].map(() => {
      const worker = startWorker(code);
      return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    });
    for (const counters of await Promise.all(answers)) {
      expect(counters).toMatchObject({ memoryUsed: 0, waiting: 0, running: 0 });
    }
    expect(toyCounters()).toMatchObject(NOTHING_LEFT);
  });
});

describe('a process', () => {
  it('may exit with calls in flight', () => {
    const ended = runChild('start(); process.exit(7);', { toy: 'run_ms=50' });
    expect(ended).toMatchObject({ ...ENDED_WELL, status: 7 });
  });

  it('may exit while a device opens', () => {
    const ended = runChild('binding.openDevice({ ...options, slots: 1 }); process.exit(7);');
    expect(ended).toMatchObject({ ...ENDED_WELL, status: 7 });
  });

  it('stays alive while a call is pending, and ends by itself with an idle device', () => {
    const code = "encode(1).then(() => console.log('settled'));";
    expect(runChild(code, { toy: 'run_ms=100' })).toMatchObject({ ...ENDED_WELL, stdout: 'settled\n' });
  });

  it('closes a device that it forgot', () => {
    const code = `
      import { createRequire } from 'node:module';
      const counters = createRequire(import.meta.url)('./build-doubles/doubles/toy_counters.node');
      const live = () => counters.read(options.plugin).liveDevices;
      await Promise.all(start());
      const before = live();
      device = null;
      for (let turn = 0; turn < 100 && live() > 0; turn++) {
        globalThis.gc();
        await new Promise(setImmediate);
      }
      console.log(before, live());`;
    expect(runChild(code, { args: ['--expose-gc'] })).toMatchObject({ ...ENDED_WELL, stdout: '1 0\n' });
  });

  it('keeps a forgotten device as long as a call is pending', () => {
    const code = `
      const calls = start();
      device = null;
      for (let turn = 0; turn < 10; turn++) {
        globalThis.gc();
        await new Promise(setImmediate);
      }
      console.log((await Promise.all(calls)).length);`;
    const ended = runChild(code, { args: ['--expose-gc'], toy: 'run_ms=20' });
    expect(ended).toMatchObject({ ...ENDED_WELL, stdout: '8\n' });
  });
});

it('encode takes no libuv thread: files and images go on while the device works', () => {
  const code = `
    import { readFile } from 'node:fs/promises';
    import sharp from 'sharp';
    const create = { width: 32, height: 32, channels: 3, background: 'red' };
    const png = await sharp({ create }).png().toBuffer();
    let settled = 0;
    for (const call of start()) call.then(() => settled++);
    await readFile('package.json');
    const { width } = await sharp(png).raw().toBuffer().then(() => sharp(png).metadata());
    console.log(width, settled);
    process.exit();`;
  const ended = runChild(code, { toy: 'run_ms=1500', env: { UV_THREADPOOL_SIZE: '1' } });
  expect(ended).toMatchObject({ ...ENDED_WELL, stdout: '32 0\n' });
});

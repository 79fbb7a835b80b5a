import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { LatentCacheError } from '#dist/errors.js';
import type { TransformOptions } from '#dist/native/binding.js';
import { loadBinding } from '#dist/native/load.js';
import { build, drawImage, useScratchFolder } from './build-helpers.js';

const binding = loadBinding();
const root = fileURLToPath(new URL('..', import.meta.url));
const good: TransformOptions = {
  width: 4,
  height: 4,
  channels: 3,
  resizedWidth: 2,
  resizedHeight: 2,
  interpolation: 'area',
  cropLeft: 0,
  cropTop: 0,
  cropWidth: 2,
  cropHeight: 2,
};
const source = new Uint8Array(48);
const target = () => ({ rgb: new Uint8Array(12), flipped: null, alpha: null });

/** What a call throws; calls check their arguments before they return a promise. */
function thrownBy(call: () => unknown): { code?: string; message?: string } {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(LatentCacheError);
    return error as LatentCacheError;
  }
  return {};
}

describe('arguments of native functions', () => {
  const transform = (change: object, pixels: unknown = source, into: unknown = target()) =>
    thrownBy(() =>
      binding.transform(pixels as Uint8Array, { ...good, ...change }, into as ReturnType<typeof target>),
    );

  it.each([
    ['width', -1],
    ['width', 1.5],
    ['width', '4'],
    ['channels', 5],
    ['resizedHeight', 2 ** 31],
    ['cropLeft', 2],
    ['cropWidth', 3],
    ['interpolation', 'sinc'],
  ])('refuse %s %s by name', (name, value) => {
    const { code, message } = transform({ [name]: value });
    expect(code).toBe('ERR_ARGUMENT');
    expect(message).toContain(name);
  });

  it('refuse pixels that are too few, and targets that are too small', () => {
    expect(transform({}, new Uint8Array(47)).message).toContain('48 bytes');
    expect(transform({}, source, { ...target(), rgb: new Uint8Array(11) }).message).toContain('12 bytes');
    expect(transform({}, new Float32Array(48)).code).toBe('ERR_ARGUMENT');
  });

  it('refuse a list of pieces that is none, and a path with NUL', () => {
    const pieces = { length: 3 } as unknown as Uint8Array[];
    expect(thrownBy(() => binding.writeFileAtomic('a', 'b', pieces)).code).toBe('ERR_ARGUMENT');
    expect(thrownBy(() => binding.inspectFile('/etc\0/x', new Uint8Array(1))).code).toBe('ERR_ARGUMENT');
  });

  it('refuse 16-bit grey at an odd address', () => {
    const odd = new Uint8Array(9).subarray(1);
    expect(thrownBy(() => binding.convertToRgb(odd, 'grey16', new Uint8Array(12))).message).toContain('even');
  });
});

describe('native work in flight', () => {
  it('keeps its memory when JS drops the list and the target', async () => {
    const pieces = Array.from({ length: 50 }, () => new Uint8Array(4096).fill(7));
    const into: { rgb: Uint8Array | null; flipped: null; alpha: null } = target();
    const written = binding.writeFileAtomic('/nonexistent/a', '/nonexistent/b', pieces);
    const done = binding.transform(source, good, into as ReturnType<typeof target>);
    pieces.length = 0;
    into.rgb = null;
    await expect(written).rejects.toMatchObject({ code: 'ENOENT' });
    await done;
  });

  it('counts as queued until it is settled', async () => {
    const { completed } = binding.counters();
    const work = [1, 2, 3].map(() => binding.transform(source, good, target()));
    expect(binding.counters().queued).toBe(3);
    await Promise.all(work);
    expect(binding.counters()).toEqual({ queued: 0, completed: completed + 3 });
  });

  it('survives the end of its worker thread, again and again', async () => {
    const code = `
      import { loadBinding } from '${new URL('../dist/native/load.js', import.meta.url)}';
      import { parentPort } from 'node:worker_threads';
      const binding = loadBinding();
      const options = ${JSON.stringify({ ...good, width: 2000, height: 2000, interpolation: 'lanczos' })};
      for (let i = 0; i < 20; i++) {
        binding.transform(new Uint8Array(12e6), options, { rgb: new Uint8Array(12), flipped: null, alpha: null });
      }
      parentPort.postMessage('busy');`;
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
      await new Promise((busy) => worker.once('message', busy));
      await worker.terminate();
    }
    await binding.transform(source, good, target());
  });

  it('does not stand in the way of process.exit', () => {
    const code = `
      import { loadBinding } from '#dist/native/load.js';
      const options = ${JSON.stringify({ ...good, width: 2000, height: 2000, interpolation: 'lanczos' })};
      loadBinding().transform(new Uint8Array(12e6), options, { rgb: new Uint8Array(12), flipped: null, alpha: null });
      process.exit(7);`;
    const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: root,
    });
    expect([status, signal]).toEqual([7, null]);
  });
});

it('needs no library of NVIDIA to load', () => {
  const addon = createRequire(import.meta.url)('node-gyp-build').path(root) as string;
  const { stdout } = spawnSync('readelf', ['--dynamic', addon], { encoding: 'utf8' });
  const needed = [...stdout.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  expect(needed).toContain('libc.so.6');
  const ofTheSystem = /^(libc|libm|libdl|libpthread|libgcc_s|libstdc\+\+|ld-linux.*)\.so/;
  expect(needed.filter((name) => !ofTheSystem.test(name!))).toEqual([]);
});

const folder = useScratchFolder();

it('the binding of a build can be replaced', async () => {
  await drawImage(`${folder()}/a.png`, 300, 300);
  const calls: string[] = [];
  const spied = new Proxy(binding, {
    get: (object, name: keyof typeof binding) => {
      calls.push(name);
      return object[name];
    },
  });
  expect((await build(folder(), { binding: spied })).summary.encoded).toBe(1);
  const names = ['inspectFile', 'readFileInto', 'statFiles', 'transform', 'tryLockFile', 'writeFileAtomic'];
  expect([...new Set(calls)].sort()).toEqual(names);
});

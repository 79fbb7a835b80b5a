import { fork } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEngineFolder } from '#dist/encoder/tensorrt/cache-folder.js';
import { EngineCache } from '#dist/encoder/tensorrt/engine-cache.js';
import { engineKey } from '#dist/encoder/tensorrt/engine-key.js';
import type { EngineRecord } from '#dist/encoder/tensorrt/engine-record.js';
import {
  readSealedFile,
  readSealedHeader,
  readSealedPayload,
  sealFile,
} from '#dist/encoder/tensorrt/sealed-file.js';
import { useScratchFolder } from './build-helpers.js';
import { FakeGpu } from './fake-gpu.js';
import { errorOf } from './tensorrt-helpers.js';

const folder = useScratchFolder();
const binding = new FakeGpu().binding();
const MIB = 2 ** 20;

const shape = { count: 1, height: 64, width: 64 };
const record: EngineRecord = {
  description: '64x64, fp16, up to 8 images',
  device: 'RTX',
  runtime: 'TensorRT 10',
  minimum: shape,
  optimum: shape,
  maximum: { ...shape, count: 8 },
  weightBytes: 7,
  memory: [{ shape, activationBytes: 1, inputBytes: 2, outputBytes: 3, arenaBytes: 6 }],
  exponents: [0, -3],
  buildSeconds: 2.5,
};
const key = (digit: string) => digit.repeat(64);

function open(maximumBytes?: number): Promise<EngineCache> {
  const engines = path.join(folder(), 'engines');
  return EngineCache.open({
    folder: engines,
    binding,
    ...(maximumBytes === undefined ? {} : { maximumBytes }),
  });
}

describe('engine cache', () => {
  it('gives back what was stored, with the plan where it says, on a page of its own', async () => {
    const cache = await open();
    const plan = Buffer.from('machine code');
    await cache.store(key('a'), record, plan);
    const found = await (await open()).find(key('a'));
    expect(found!.record).toEqual(expect.objectContaining(record));
    const { path: file, offset, bytes } = found!.plan;
    expect((await readFile(file)).subarray(offset, offset + bytes)).toEqual(plan);
    expect(offset % 4096).toBe(0);
  });

  it.each([
    ['is cut off', (file: string) => truncate(file, 4099)],
    ['is empty', (file: string) => truncate(file, 0)],
    ['is foreign', (file: string) => writeFile(file, 'PK not an engine')],
    [
      'has a changed plan',
      async (file: string) => {
        const bytes = await readFile(file);
        bytes[bytes.length - 1]! ^= 1;
        await writeFile(file, bytes);
      },
    ],
    [
      'belongs to another key',
      (file: string) =>
        writeFile(
          file,
          Buffer.concat(sealFile({ kind: 'engine', key: key('b'), ...record }, Buffer.from('code'))),
        ),
    ],
    [
      'has no shapes',
      (file: string) =>
        writeFile(file, Buffer.concat(sealFile({ kind: 'engine', key: key('a') }, Buffer.from('code')))),
    ],
  ])('misses and removes a file that %s', async (_, damage) => {
    const cache = await open();
    const { plan } = await cache.store(key('a'), record, Buffer.from('code'));
    await damage(plan.path);
    expect(await cache.find(key('a'))).toBeUndefined();
    expect(await readdir(cache.folder)).toEqual([]);
  });

  it('drops the least recently used above its limit, never the one just written', async () => {
    const cache = await open(2.5 * MIB);
    const plan = new Uint8Array(MIB);
    for (const [index, digit] of ['a', 'b'].entries()) {
      const { plan: location } = await cache.store(key(digit), record, plan);
      const time = new Date(1e12 + index * 1000);
      await utimes(location.path, time, time);
    }
    await cache.find(key('a'));
    await cache.store(key('c'), record, plan);
    expect((await readdir(cache.folder)).map((name) => name[0]).sort()).toEqual(['a', 'c']);
    await cache.store(key('d'), record, new Uint8Array(3 * MIB));
    expect((await readdir(cache.folder)).map((name) => name[0])).toEqual(['d']);
  });

  it('lists engines, the last used first, and clears them', async () => {
    const cache = await open();
    const first = await cache.store(key('a'), record, Buffer.from('1'));
    await utimes(first.plan.path, 1e9, 1e9);
    await cache.store(key('b'), { ...record, description: 'second' }, Buffer.from('2'));
    await writeFile(path.join(cache.folder, 'x.timing'), '');
    expect((await cache.list()).map(({ description }) => description)).toEqual([
      'second',
      record.description,
    ]);
    expect(await cache.clear()).toMatchObject({ engines: 2 });
    expect(await readdir(cache.folder)).toEqual([]);
  });

  it('makes a folder for its owner alone', async () => {
    const { folder: made } = await open();
    expect((await stat(made)).mode & 0o777).toBe(0o700);
  });

  it('refuses a folder that others may write to', async () => {
    const { folder: made } = await open();
    await chmod(made, 0o770);
    expect(await errorOf(open())).toMatchObject({ code: 'ERR_OPTION', path: made });
  });

  it('removes what killed processes left, and nothing of those that run', async () => {
    const cache = await open();
    const child = fork(fileURLToPath(new URL('./children/owner-tag.mjs', import.meta.url)));
    const tag = await new Promise<string>((resolve) => child.once('message', resolve));
    const names = [`.build-${tag}-xyz`, `.latent-cache-${tag}-0123456789abcdef.tmp`] as const;
    await mkdir(path.join(cache.folder, names[0]));
    await writeFile(path.join(cache.folder, names[1]), '');
    await open();
    expect((await readdir(cache.folder)).sort()).toEqual([...names].sort());
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    await open();
    expect(await readdir(cache.folder)).toEqual([]);
  });

  it('lets one of several processes build, also when the first is killed at it', async () => {
    const cache = await open();
    const log = path.join(folder(), 'log');
    await writeFile(log, '');
    const entry = fileURLToPath(new URL('./children/lock-and-store.mjs', import.meta.url));
    const start = (mode: string) => fork(entry, [cache.folder, key('a'), log, mode]);
    const victim = start('hang');
    await new Promise((resolve) => victim.once('message', resolve));
    const others = Array.from({ length: 4 }, () => start('build'));
    const ends = others.map((child) => new Promise((resolve) => child.once('close', resolve)));
    victim.kill('SIGKILL');
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
    expect((await readFile(log, 'utf8')).trim().split('\n')).toEqual(['hang', 'build']);
    expect((await readdir(cache.folder)).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  it('lies where the XDG specification says', () => {
    expect(defaultEngineFolder({ XDG_CACHE_HOME: '/var/cache/me' })).toBe(
      '/var/cache/me/latent-cache/engines',
    );
    expect(defaultEngineFolder({ XDG_CACHE_HOME: 'relative' })).toBe(defaultEngineFolder({}));
  });
});

describe('engine key', () => {
  const identity = {
    attributes: 'cc=8.6',
    runtime: 'TensorRT 10.14.1',
    graph: Buffer.from('graph'),
    weights: 'w',
    flags: ['fp16', 'optimization=3'],
    minimum: shape,
    optimum: shape,
    maximum: shape,
  };

  it.each([
    { attributes: 'cc=8.9' },
    { runtime: 'TensorRT 10.14.2' },
    { graph: Buffer.from('grapH') },
    { weights: 'v' },
    { flags: ['fp16'] },
    { maximum: { ...shape, count: 2 } },
    { minimum: { ...shape, width: 72 } },
  ])('changes with %o', (change) => {
    expect(engineKey({ ...identity, ...change })).not.toBe(engineKey(identity));
  });

  it('does not depend on the order of flags', () => {
    const flags = [...identity.flags].reverse();
    expect(engineKey({ ...identity, flags })).toBe(engineKey(identity));
  });
});

describe('sealed file', () => {
  const file = () => path.join(folder(), 'sealed');

  it('round-trips any header and payload', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.jsonValue()).map((header) => JSON.parse(JSON.stringify(header))),
        fc.uint8Array({ maxLength: 5000 }),
        async ({ payload: _, ...header }, payload) => {
          await writeFile(file(), Buffer.concat(sealFile(header, payload)));
          expect((await readSealedPayload(file()))?.header).toEqual(header);
          expect(await readSealedPayload(file())).toEqual({ header, payload: Buffer.from(payload) });
          const sealed = await readSealedFile(file());
          expect(sealed).toMatchObject({ payloadBytes: payload.length });
          expect((await readFile(file())).subarray(sealed!.payloadOffset)).toEqual(Buffer.from(payload));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is nothing when any byte of it differs', async () => {
    const bytes = Buffer.concat(sealFile({ name: 'x' }, Buffer.from('payload')));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= flip;
        await writeFile(file(), changed);
        expect(await readSealedFile(file())).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it('is nothing at any other length', async () => {
    const bytes = Buffer.concat([...sealFile({ name: 'x' }, Buffer.from('payload')), Buffer.from('more')]);
    const whole = bytes.length - 4;
    const lengths = fc.nat(bytes.length).filter((length) => length !== whole);
    await fc.assert(
      fc.asyncProperty(lengths, async (length) => {
        await writeFile(file(), bytes.subarray(0, length));
        expect(await readSealedHeader(file())).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it('is nothing when it is noise, or noise behind a right beginning', async () => {
    const start = Buffer.concat(sealFile({ name: 'x' }, Buffer.from('payload'))).subarray(0, 16);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 9000 }), fc.boolean(), async (noise, rightStart) => {
        await writeFile(file(), Buffer.concat([rightStart ? start : Buffer.alloc(0), noise]));
        expect(await readSealedFile(file())).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crc32, tableCrc32 } from '#dist/cache/crc32.js';
import { npyPrefix, readNpyNumbers } from '#dist/cache/npy.js';
import { readZipDirectory, readZipMember, writeZip } from '#dist/cache/zip.js';
import { LatentCacheError } from '#dist/errors.js';
import { float16ToNumber, float32ToFloat16 } from '#dist/float16.js';
import { readCache } from '#dist/trainers/sd-scripts/read-npz.js';

const goldenFolder = fileURLToPath(new URL('golden/data/npz/', import.meta.url));

interface GoldenArray {
  descr: string;
  shape: number[];
  values: (number | boolean | string)[];
}
const expected = JSON.parse(readFileSync(path.join(goldenFolder, 'expected.json'), 'utf8')) as Record<
  string,
  Record<string, GoldenArray>
>;

/** JSON has no infinities; the script writes them as text. */
function toNumber(value: number | boolean | string): number {
  if (typeof value !== 'string') return Number(value);
  return { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }[value] ?? Number.NaN;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-npz-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('files that numpy wrote', () => {
  for (const name of readdirSync(goldenFolder).filter((entry) => entry.endsWith('.npz'))) {
    it(`reads ${name}`, async () => {
      const cache = await readCache(path.join(goldenFolder, name));
      const arrays = Object.fromEntries(
        [...cache!.arrays].map(([key, { npy }]) => {
          const { header, values } = readNpyNumbers(npy);
          return [key, { descr: header.descr, shape: [...header.shape], values: [...values] }];
        }),
      );
      const wanted = Object.entries(expected[name]!).map(([key, array]) => [
        key,
        { ...array, values: array.values.map(toNumber) },
      ]);
      expect(arrays).toEqual(Object.fromEntries(wanted));
    });
  }
});

describe('what numpy writes for the same array', () => {
  it('has the same npy header bytes', async () => {
    const file = readFileSync(path.join(goldenFolder, 'plain.npz'));
    for (const member of readZipDirectory(file).members) {
      const npy = await readZipMember(file, member, 1 << 20);
      const { header } = readNpyNumbers(npy);
      const prefix = npyPrefix(header.descr as '<f4', header.shape);
      expect(Buffer.from(prefix).equals(npy.subarray(0, header.dataOffset))).toBe(true);
    }
  });
});

describe('an npy header that Python writes otherwise', () => {
  const npy = (descr: string, side: string, data: Uint8Array) => {
    const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${side},), }\n`;
    const prefix = Buffer.from(`\x93NUMPY\x01\x00  ${dict}`, 'latin1');
    prefix.writeUInt16LE(dict.length, 8);
    return Buffer.concat([prefix, data]);
  };

  it('is refused with a zero in front of a side', () => {
    expect(() => readNpyNumbers(npy('|u1', '02', Uint8Array.of(1, 2)))).toThrow('bad shape');
  });

  it('has 1 for every byte of a bool that is not 0', () => {
    expect([...readNpyNumbers(npy('|b1', '3', Uint8Array.of(0, 1, 200))).values]).toEqual([0, 1, 1]);
  });
});

describe('writeZip', () => {
  const members = fc.uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1, maxLength: 20 }),
      data: fc.uint8Array({ maxLength: 2000 }),
      compress: fc.boolean(),
    }),
    { selector: ({ name }) => name, maxLength: 6 },
  );

  it('is read back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(members, fc.uint8Array({ maxLength: 300 }), async (inputs, comment) => {
        const file = Buffer.concat(await writeZip(inputs, comment));
        const directory = readZipDirectory(file);
        expect(Buffer.from(directory.comment).equals(Buffer.from(comment))).toBe(true);
        for (const [index, member] of directory.members.entries()) {
          expect(member.name).toBe(inputs[index]!.name);
          expect((await readZipMember(file, member, 1 << 20)).equals(inputs[index]!.data)).toBe(true);
        }
        expect(directory.members.length).toBe(inputs.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a damaged file', () => {
  const whole = readFileSync(path.join(goldenFolder, 'everything.npz'));

  const readBytes = async (bytes: Uint8Array) => {
    const file = path.join(folder, 'damaged.npz');
    await writeFile(file, bytes);
    return readCache(file);
  };

  it('is refused wherever it is cut off', async () => {
    for (let length = 0; length < whole.length; length += 7) {
      await expect(readBytes(whole.subarray(0, length))).rejects.toMatchObject({ code: 'ERR_CACHE_CORRUPT' });
    }
  });

  it('is refused when a byte of the data flips', async () => {
    const [first] = readZipDirectory(whole).members;
    const damaged = Buffer.from(whole);
    damaged[first!.localOffset + 200]! ^= 1;
    await expect(readBytes(damaged)).rejects.toMatchObject({ code: 'ERR_CACHE_CORRUPT' });
  });

  it('gives a typed error or arrays for any flipped byte, never anything else', async () => {
    const flips = fc.tuple(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(flips, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = Buffer.from(whole);
        for (const [at, bits] of changes) damaged[at]! ^= bits;
        try {
          await readBytes(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(LatentCacheError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('numbers', () => {
  it('computes CRC-32 of "123456789" as published (CBF43926)', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
    expect(tableCrc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  });

  it('turns every float16 into a number and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const number = float16ToNumber(bits);
      if (Number.isNaN(number)) expect(Number.isNaN(float16ToNumber(float32ToFloat16(number)))).toBe(true);
      else if (float32ToFloat16(number) !== bits) expect.fail(`0x${bits.toString(16)} came back differently`);
    }
  });

  it('rounds float32 to the nearest float16, ties to even', () => {
    const neighbours = (value: number) => [
      float32ToFloat16(value) - 1,
      float32ToFloat16(value),
      float32ToFloat16(value) + 1,
    ];
    fc.assert(
      fc.property(fc.float({ min: Math.fround(1e-7), max: Math.fround(65000), noNaN: true }), (value) => {
        const [below, chosen, above] = neighbours(value).map((bits) =>
          Math.abs(float16ToNumber(bits) - value),
        );
        expect(chosen!).toBeLessThanOrEqual(Math.min(below!, above!));
        if (chosen === below || chosen === above) expect(float32ToFloat16(value) % 2).toBe(0);
      }),
      { numRuns: 5000 },
    );
  });
});

/** Small files that claim to be large: refused before memory is spent on them. */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from '#dist/cache/crc32.js';
import { readCacheStructure } from '#dist/trainers/sd-scripts/npz-structure.js';
import { readCache } from '#dist/trainers/sd-scripts/read-npz.js';
import { useScratchFolder } from './build-helpers.js';

interface Part {
  readonly name: string;
  readonly method: number;
  readonly body: Buffer;
  readonly crc: number;
  readonly bytes: number;
  /** Where the directory says that it is; its own place when missing. */
  readonly offset?: number;
}

/** A zip file by the letter of the format, from hand-set fields. */
function zip(parts: readonly Part[], claimedCount = parts.length): Buffer {
  const pieces: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, method, body, crc, bytes, offset: claimed } of parts) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(crc, 10);
    fields.writeUInt32LE(body.length, 14);
    fields.writeUInt32LE(bytes, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), body]);
    pieces.push(local);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02', 'latin1');
    fields.copy(entry, 6);
    entry.writeUInt32LE(claimed ?? offset, 42);
    central.push(entry, Buffer.from(name));
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(claimedCount, 8);
  end.writeUInt16LE(claimedCount, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...pieces, directory, end]);
}

function npy(shape: string, data = Buffer.alloc(0)): Buffer {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }\n`;
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, dict.length & 255, dict.length >> 8]);
  return Buffer.concat([start, Buffer.from(dict), data]);
}

const stored = (name: string, body: Buffer): Part => ({
  name,
  method: 0,
  body,
  crc: crc32(body),
  bytes: body.length,
});

const folder = useScratchFolder();
const MIB = 2 ** 20;

const bombs: Readonly<Record<string, () => Buffer>> = {
  'a member that claims 256 MiB in 200 bytes': () =>
    zip([
      {
        name: 'latents.npy',
        method: 8,
        body: deflateRawSync(Buffer.alloc(90_000)),
        crc: 0,
        bytes: 256 * MIB,
      },
    ]),
  'a member that claims 4 GiB': () =>
    zip([{ name: 'latents.npy', method: 0, body: Buffer.alloc(64), crc: 0, bytes: 2 ** 32 - 1 }]),
  'members that share their bytes': () => {
    const part = stored('m0', Buffer.alloc(1000));
    return zip([part, { ...part, name: 'm1', offset: 0 }, { ...part, name: 'm2', offset: 0 }]);
  },
  'a member inside another': () => {
    const inner = zip([stored('latents.npy', npy('(0,)'))]);
    const outer = stored('outer', inner);
    return zip([outer, { ...stored('latents.npy', npy('(0,)')), offset: 30 + 'outer'.length }]);
  },
  '30000 empty members': () =>
    zip(Array.from({ length: 30_000 }, (_, index) => stored(`m${index}`, Buffer.alloc(0)))),
  'a directory that claims 65534 members': () => zip([stored('latents.npy', npy('(0,)'))], 65534),
  'many members of 40 MiB each': () => {
    const zeros = Buffer.alloc(40 * MIB);
    const part = {
      method: 8,
      body: deflateRawSync(zeros, { level: 9 }),
      crc: crc32(zeros),
      bytes: zeros.length,
    };
    return zip(Array.from({ length: 10 }, (_, index) => ({ name: `m${index}`, ...part })));
  },
  'an array whose shape claims 2^60 values': () =>
    zip([stored('latents.npy', npy('(1073741824, 1073741824)', Buffer.alloc(64)))]),
  'an npy header of 64 KiB': () => {
    const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, 0xff, 0xff]);
    return zip([stored('latents.npy', Buffer.concat([start, Buffer.alloc(0xffff, ' ')]))]);
  },
};

describe.each(Object.keys(bombs))('%s', (name) => {
  it('is refused, and costs no memory', async () => {
    const file = path.join(folder(), 'bomb.npz');
    await writeFile(file, bombs[name]!());
    const before = process.memoryUsage().rss;
    const refused = { code: 'ERR_CACHE_CORRUPT' };
    await expect(readCache(file)).rejects.toMatchObject(refused);
    // Members together are only a matter where they are read together.
    if (name !== 'many members of 40 MiB each')
      await expect(readCacheStructure(file)).rejects.toMatchObject(refused);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  });
});

describe('what looks alike and is sound', () => {
  it('a mask of zeros, which deflate makes a thousand times smaller', async () => {
    const file = path.join(folder(), 'mask.npz');
    const body = npy('(2048, 2048)', Buffer.alloc(16 * MIB));
    await writeFile(
      file,
      zip([
        {
          name: 'alpha_mask.npy',
          method: 8,
          body: deflateRawSync(body, { level: 9 }),
          crc: crc32(body),
          bytes: body.length,
        },
      ]),
    );
    expect((await readCache(file))!.arrays.get('alpha_mask')!.header.shape).toEqual([2048, 2048]);
    expect((await readCacheStructure(file))!.arrays.get('alpha_mask')!.header.shape).toEqual([2048, 2048]);
  });
});

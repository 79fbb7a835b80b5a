/** The safetensors reader: what it accepts, and each way in which a file can be wrong. */
import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatentCacheError } from '#dist/errors.js';
import { parseHeader, readHeaderLength, SafetensorsError } from '#dist/model/safetensors/header.js';
import { openSafetensors } from '#dist/model/safetensors/reader.js';
import { encodeHeader, type TensorToWrite, writeSafetensors } from '#dist/model/safetensors/writer.js';
import { scratchFolder } from './encoder-helpers.js';

const scratch = scratchFolder();
let files = 0;

/** A file made by hand, as the format's README describes it: length, JSON, data. */
function handMade(
  json: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
  length?: bigint,
): Uint8Array {
  const header = typeof json === 'string' ? new TextEncoder().encode(json) : json;
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(header.length));
  return Buffer.concat([prefix, header, data]);
}

async function saved(bytes: Uint8Array, extension = 'safetensors'): Promise<string> {
  const path = scratch(`${files++}.${extension}`);
  await writeFile(path, bytes);
  return path;
}

async function errorOf(bytes: Uint8Array, extension?: string): Promise<LatentCacheError> {
  const path = await saved(bytes, extension);
  const error = await openSafetensors(path).then(
    async (file) => {
      await file.close();
      return undefined;
    },
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof LatentCacheError))
    throw new Error(`expected a LatentCacheError, got ${String(error)}`);
  return error;
}

function faultOf(error: LatentCacheError): string | undefined {
  return error.cause instanceof SafetensorsError ? error.cause.fault : undefined;
}

const tensor = (fields: object) =>
  JSON.stringify({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...fields } });

describe('faults, by the names of the safetensors library', () => {
  const four = new Uint8Array(4);
  const eight = new Uint8Array(8);
  const cases: [fault: string, code: string, bytes: Uint8Array][] = [
    ['HeaderTooSmall', 'ERR_MODEL_TRUNCATED', new Uint8Array(0)],
    ['HeaderTooSmall', 'ERR_MODEL_TRUNCATED', new Uint8Array(7)],
    ['HeaderTooLarge', 'ERR_MODEL_FORMAT', handMade('{}', four, 8_000_001n)],
    ['HeaderTooLarge', 'ERR_MODEL_FORMAT', handMade('{}', four, 2n ** 64n - 1n)],
    ['InvalidHeaderLength', 'ERR_MODEL_TRUNCATED', handMade('{}', four, 7n)],
    ['InvalidHeader', 'ERR_MODEL_FORMAT', handMade(Uint8Array.of(0x7b, 0xff, 0x7d))],
    ['InvalidHeaderStart', 'ERR_MODEL_FORMAT', handMade('[]')],
    ['InvalidHeaderStart', 'ERR_MODEL_FORMAT', handMade(' {}')],
    ['InvalidHeaderStart', 'ERR_MODEL_FORMAT', handMade('\ufeff{}')],
    ['InvalidHeaderStart', 'ERR_MODEL_FORMAT', handMade('')],
    ['InvalidHeaderDeserialization', 'ERR_MODEL_FORMAT', handMade('{"a":')],
    ['InvalidHeaderDeserialization', 'ERR_MODEL_FORMAT', handMade('{}}')],
    ['InvalidHeaderDeserialization', 'ERR_MODEL_FORMAT', handMade('{"a":1}')],
    ['InvalidHeaderDeserialization', 'ERR_MODEL_FORMAT', handMade(tensor({ dtype: 32 }), four)],
    ['InvalidHeaderDeserialization', 'ERR_MODEL_FORMAT', handMade(tensor({ shape: [-1] }), four)],
    ['InvalidHeaderDeserialization', 'ERR_MODEL_FORMAT', handMade(tensor({ shape: [1.5] }), four)],
    ['InvalidHeaderDeserialization', 'ERR_MODEL_FORMAT', handMade(tensor({ shape: '1' }), four)],
    ['InvalidHeaderDeserialization', 'ERR_MODEL_FORMAT', handMade(tensor({ data_offsets: [0] }), four)],
    [
      'InvalidHeaderDeserialization',
      'ERR_MODEL_FORMAT',
      handMade(tensor({ shape: new Array(65).fill(1) }), four),
    ],
    [
      'InvalidHeaderDeserialization',
      'ERR_MODEL_FORMAT',
      handMade(tensor({ data_offsets: [0, 1e300] }), four),
    ],
    ['DuplicateKey', 'ERR_MODEL_FORMAT', handMade('{"__metadata__":{},"__metadata__":{}}')],
    ['DuplicateKey', 'ERR_MODEL_FORMAT', handMade('{"__metadata__":{"k":"1","\\u006b":"2"}}')],
    ['InvalidMetadata', 'ERR_MODEL_FORMAT', handMade('{"__metadata__":{"epoch":3}}')],
    ['InvalidMetadata', 'ERR_MODEL_FORMAT', handMade('{"__metadata__":[]}')],
    ['UnknownDtype', 'ERR_MODEL_DTYPE', handMade(tensor({ dtype: 'F12' }), four)],
    ['UnknownDtype', 'ERR_MODEL_DTYPE', handMade(tensor({ dtype: 'toString' }), four)],
    ['InvalidOffset', 'ERR_MODEL_FORMAT', handMade(tensor({ data_offsets: [4, 8] }), eight)],
    ['InvalidOffset', 'ERR_MODEL_FORMAT', handMade(tensor({ data_offsets: [4, 0] }), four)],
    [
      'InvalidOffset', // two tensors share bytes
      'ERR_MODEL_FORMAT',
      handMade(
        '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
        new Uint8Array(6),
      ),
    ],
    [
      'InvalidOffset', // a hole between two tensors
      'ERR_MODEL_FORMAT',
      handMade(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}',
        new Uint8Array(6),
      ),
    ],
    ['TensorInvalidInfo', 'ERR_MODEL_FORMAT', handMade(tensor({ shape: [2] }), four)],
    ['MisalignedSlice', 'ERR_MODEL_FORMAT', handMade(tensor({ dtype: 'F4', shape: [3] }), four)],
    ['ValidationOverflow', 'ERR_MODEL_FORMAT', handMade(tensor({ shape: [2 ** 40, 2 ** 40] }), four)],
    ['MetadataIncompleteBuffer', 'ERR_MODEL_TRUNCATED', handMade(tensor({}), new Uint8Array(3))],
    ['TrailingBytes', 'ERR_MODEL_FORMAT', handMade(tensor({}), new Uint8Array(5))],
  ];
  for (const [index, [fault, code, bytes]] of cases.entries()) {
    it(`${index}: ${fault}`, async () => {
      const error = await errorOf(bytes);
      expect([faultOf(error), error.code]).toEqual([fault, code]);
    });
  }

  it('names the file and gives a remedy', async () => {
    const error = await errorOf(handMade('[]'));
    expect(error.message).toContain(error.path);
    expect(error.remedy).toMatch(/\.$/);
  });

  it('keeps control characters of a name off the terminal', async () => {
    const error = await errorOf(handMade('{"\\u001b[31m":1}'));
    expect(error.message).not.toContain('\u001b');
  });
});

describe('other formats, whatever the extension', () => {
  const cases: [what: string, code: string, bytes: Uint8Array, extension: string][] = [
    [
      'a zip made by torch.save',
      'ERR_MODEL_PICKLE',
      Buffer.from('PK\x03\x04\x00\x00\x08\x08 archive/data.pkl'),
      'safetensors',
    ],
    [
      'a legacy torch.save file',
      'ERR_MODEL_PICKLE',
      Buffer.from('80028a0a6cfc9c46f920', 'hex'),
      'safetensors',
    ],
    ['unknown bytes in a .ckpt', 'ERR_MODEL_PICKLE', Buffer.from('(dp0 an old text pickle'), 'ckpt'],
    ['an HTML page', 'ERR_MODEL_FORMAT', Buffer.from('<!doctype html><title>Sign in</title>'), 'safetensors'],
    [
      'a Git LFS pointer',
      'ERR_MODEL_FORMAT',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid'),
      'safetensors',
    ],
    ['a GGUF file', 'ERR_MODEL_FORMAT', Buffer.from('GGUF\x03\x00\x00\x00\x00'), 'safetensors'],
  ];
  for (const [what, code, bytes, extension] of cases) {
    it(`refuses ${what}`, async () => {
      expect((await errorOf(bytes, extension)).code).toBe(code);
    });
  }

  it('says how to convert a pickled file', async () => {
    expect((await errorOf(Buffer.from('PK\x03\x04\x00\x00\x08\x08'), 'ckpt')).remedy).toContain(
      'safetensors',
    );
  });

  it('opens a safetensors file named .ckpt', async () => {
    const file = await openSafetensors(await saved(handMade('{}'), 'ckpt'));
    await file.close();
    expect(file.tensors.size).toBe(0);
  });

  it('opens a header whose length begins like a pickle', async () => {
    // 0x0280 bytes: the file starts with 80 02, the mark of pickle protocol 2
    const file = await openSafetensors(await saved(handMade('{}'.padEnd(0x280, ' '))));
    await file.close();
    expect(file.tensors.size).toBe(0);
  });
});

describe('files', () => {
  it('reports a missing file', async () => {
    await expect(openSafetensors(scratch('nowhere'))).rejects.toMatchObject({ code: 'ERR_MODEL_FILE' });
  });

  it('reports a folder', async () => {
    await mkdir(scratch('folder'));
    await expect(openSafetensors(scratch('folder'))).rejects.toMatchObject({ code: 'ERR_MODEL_FILE' });
  });

  it('reports a file that becomes shorter while it is read', async () => {
    const path = await saved(handMade(tensor({}), new Uint8Array(4)));
    const file = await openSafetensors(path);
    await truncate(path, 60);
    await expect(file.readFloat32('a')).rejects.toMatchObject({ code: 'ERR_MODEL_TRUNCATED' });
    await file.close();
  });

  it('reports a tensor that does not fit into memory', async () => {
    const path = scratch('hole.safetensors');
    const header = encodeHeader([{ name: 'hole', dtype: 'F32', shape: [2 ** 40] }]);
    await writeFile(path, header);
    await truncate(path, header.length + 2 ** 42);
    const file = await openSafetensors(path);
    await expect(file.readFloat32('hole')).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    await file.close();
  });

  it('reads beyond 4 GiB', async () => {
    const path = scratch('large.safetensors');
    const before = 5 * 2 ** 30;
    const header = encodeHeader([
      { name: 'before', dtype: 'U8', shape: [before] },
      { name: 'behind', dtype: 'F32', shape: [2] },
    ]);
    // sparse: only the ends take room on the disk
    const handle = await open(path, 'w');
    await handle.write(header, 0, header.length, 0);
    await handle.write(new Uint8Array(Float32Array.of(1.5, -2).buffer), 0, 8, header.length + before);
    await handle.close();
    const file = await openSafetensors(path);
    const values = await file.readFloat32('behind');
    await file.close();
    expect([...values]).toEqual([1.5, -2]);
  });
});

describe('values', () => {
  async function read(dtype: string, bytes: readonly number[]): Promise<number[]> {
    const json = JSON.stringify({
      __metadata__: { format: 'pt' },
      x: { dtype, shape: [bytes.length / size(dtype)], data_offsets: [0, bytes.length] },
    });
    const file = await openSafetensors(await saved(handMade(json, Uint8Array.from(bytes))));
    try {
      return [...(await file.readFloat32('x'))];
    } finally {
      await file.close();
    }
  }
  const size = (dtype: string) =>
    dtype.startsWith('F8') ? 1 : dtype === 'F32' ? 4 : dtype === 'F64' ? 8 : 2;

  it('reads F32', async () => {
    expect(await read('F32', [0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x20, 0xc1])).toEqual([1, -10]);
  });

  it('widens BF16: the upper half of a float32', async () => {
    expect(await read('BF16', [0x80, 0x3f, 0x20, 0xc1, 0x80, 0x7f])).toEqual([
      1,
      -10,
      Number.POSITIVE_INFINITY,
    ]);
  });

  // values of the Wikipedia article on half precision
  it('widens F16', async () => {
    const codes = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x3555, 0x7c00, 0x8000];
    const bytes = codes.flatMap((code) => [code & 255, code >> 8]);
    const expected = [
      1,
      -2,
      65504,
      2 ** -14,
      1023 / 2 ** 24,
      2 ** -24,
      0.333251953125,
      Number.POSITIVE_INFINITY,
      -0,
    ];
    expect(await read('F16', bytes)).toEqual(expected);
  });

  // extremes of the OCP 8-bit floating point specification, table 1
  it('widens F8_E4M3', async () => {
    const expected = [1, 448, 2 ** -6, 2 ** -9, -448, Number.NaN];
    expect(await read('F8_E4M3', [0x38, 0x7e, 0x08, 0x01, 0xfe, 0x7f])).toEqual(expected);
  });

  it('widens F8_E5M2', async () => {
    const expected = [1, 57344, 2 ** -14, 2 ** -16, Number.POSITIVE_INFINITY];
    expect(await read('F8_E5M2', [0x3c, 0x7b, 0x04, 0x01, 0x7c])).toEqual(expected);
  });

  it('refuses F64 with the list of what it takes', async () => {
    await expect(read('F64', new Array<number>(8).fill(0))).rejects.toMatchObject({
      code: 'ERR_MODEL_DTYPE',
      message: expect.stringContaining('BF16'),
    });
  });

  it('reports a tensor that is not there', async () => {
    const file = await openSafetensors(await saved(handMade('{}')));
    await expect(file.readFloat32('x')).rejects.toMatchObject({ code: 'ERR_MODEL_KEY' });
    await file.close();
  });
});

describe('writer', () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  const entries = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), shapes), {
    selector: ([name]) => name,
    maxLength: 6,
  });

  it('is read back as written', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.integer(), async (list, salt) => {
        const values = list.map(([, shape], i) =>
          Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => salt + i * 1000 + k),
        );
        const tensors = list.map(
          ([name, shape], i): TensorToWrite => ({
            name,
            shape,
            dtype: 'F32',
            bytes: () => new Uint8Array(values[i]!.buffer),
          }),
        );
        const path = scratch('round-trip.safetensors');
        await writeSafetensors(path, tensors, { note: 'é' });
        const file = await openSafetensors(path);
        const got = await Promise.all(list.map(([name]) => file.readFloat32(name)));
        await file.close();
        expect([got, file.metadata.get('note')]).toEqual([values, 'é']);
      }),
      { numRuns: 50 },
    );
  });

  it('aligns the data to eight bytes', async () => {
    const path = scratch('aligned.safetensors');
    await writeSafetensors(path, []);
    expect((await readFile(path)).readBigUInt64LE() % 8n).toBe(0n);
  });

  it('leaves nothing behind when a tensor does not fit its shape', async () => {
    const path = scratch('unfit.safetensors');
    const bytes = () => new Uint8Array(3);
    await expect(
      writeSafetensors(path, [{ name: 'a', dtype: 'F32', shape: [1], bytes }]),
    ).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('any bytes', () => {
  /** Tensors may not claim more than there is: the one promise that everything behind the reader relies on. */
  function parseOrFault(bytes: Uint8Array): 'fault' | 'parsed' {
    try {
      const length = readHeaderLength(bytes.subarray(0, 8), bytes.length);
      const data = bytes.length - 8 - length;
      const { tensors } = parseHeader(bytes.subarray(8, 8 + length), data);
      const total = [...tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
      expect(total).toBe(data);
      return 'parsed';
    } catch (error) {
      if (error instanceof SafetensorsError) return 'fault';
      throw error;
    }
  }

  it('either parse or fail with a named fault', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseOrFault(bytes)));
  });

  it('either parse or fail with a named fault when the header is JSON', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.uint8Array({ maxLength: 16 }),
        (json, data) => void parseOrFault(handMade(json, data)),
      ),
    );
  });

  it('either parse or fail with a named fault when a good file is damaged in one byte', () => {
    const good = handMade(
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},"b":{"dtype":"F32","shape":[],"data_offsets":[12,16]}}',
      new Uint8Array(16),
    );
    expect(parseOrFault(good)).toBe('parsed');
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Uint8Array.from(good);
        damaged[at] = byte;
        parseOrFault(damaged);
      }),
      { numRuns: 2000 },
    );
  });

  it('find the second of two equal keys wherever it is', () => {
    const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(names, fc.nat(), fc.nat(), (keys, pick, place) => {
        const members = keys.map((key) => `${JSON.stringify(key)}:{"x":[{"y":"{\\"}"}]}`);
        const twice = members.toSpliced(place % (keys.length + 1), 0, members[pick % keys.length]!);
        const bytes = new TextEncoder().encode(`{${twice.join(',')}}`);
        expect(() => parseHeader(bytes, 0)).toThrow(expect.objectContaining({ fault: 'DuplicateKey' }));
      }),
    );
  });
});

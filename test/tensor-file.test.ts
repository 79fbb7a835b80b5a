import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProvenanceRecord } from '#dist/cache/provenance.js';
import {
  encodeFloats,
  encodeTensorFile,
  isTensorFileOurs,
  readTensorFile,
  readTensorStructure,
  type Tensor,
  toBfloat16Array,
} from '#dist/cache/tensor-file.js';
import { LatentCacheError } from '#dist/errors.js';
import { MODEL_IDS } from '#dist/model/catalog.js';
import * as plain from '#dist/trainers/safetensors/files.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-tensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

const record: ProvenanceRecord = {
  model: 'sd',
  recipe: {
    vae: 'v',
    posterior: 'mean',
    seed: null,
    dtype: 'float32',
    interpolation: 'default',
    pixels: 'trainer',
  },
  encoder: { backend: 'fake', precision: 'fp32' },
  source: { bytes: 7, sha256: 'ab' },
};
const records = new Map([['', record]]);

const floats = (...values: number[]) => new Float32Array(values);
const latent: Tensor = {
  name: 'latent',
  shape: [2, 1, 3],
  ...encodeFloats(floats(1, 2, 3, 4, 5, 6), 'float32'),
};

async function write(name: string, pieces: readonly Uint8Array[]): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, Buffer.concat(pieces));
  return file;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LatentCacheError) return error.code;
    throw error;
  }
  return 'no error';
}

/** The format by its specification: an eight-byte length, JSON, bytes. Knows nothing of this project. */
function independentRead(file: Buffer) {
  const length = Number(file.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(file.toString('utf8', 8, 8 + length)) as {
    __metadata__?: Record<string, string>;
  } & Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const data = file.subarray(8 + length);
  return {
    metadata,
    headerBytes: 8 + length,
    tensors: Object.entries(tensors).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => ({
        name,
        dtype,
        shape,
        begin,
        bytes: Buffer.from(data.subarray(begin, end)).toString('hex'),
      }),
    ),
  };
}

const BITS = { F32: 32, F16: 16, BF16: 16, F64: 64, I64: 64, U8: 8 } as const;
const tensorsOf = fc
  .uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1, maxLength: 12 }).filter((name) => name !== '__metadata__'),
      dtype: fc.constantFrom(...(Object.keys(BITS) as (keyof typeof BITS)[])),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      seed: fc.integer({ min: 0, max: 255 }),
    }),
    { selector: ({ name }) => name, maxLength: 6 },
  )
  .map((list) =>
    list.map(({ name, dtype, shape, seed }): Tensor => {
      const bytes = (shape.reduce((product, side) => product * side, 1) * BITS[dtype]) / 8;
      return { name, dtype, shape, data: Uint8Array.from({ length: bytes }, (_, index) => index + seed) };
    }),
  );

describe('a file written from memory', () => {
  it('is what an independent reader takes it for, and what both readers here do', async () => {
    await fc.assert(
      fc.asyncProperty(tensorsOf, fc.dictionary(fc.string(), fc.string()), async (tensors, metadata) => {
        const pieces = encodeTensorFile(tensors, metadata, records);
        const file = await write('any.safetensors', pieces);
        const seen = independentRead(Buffer.concat(pieces));
        expect(seen.headerBytes % 8).toBe(0);
        expect(seen.metadata).toMatchObject(metadata);
        const wanted = tensors.map(({ name, dtype, shape, data }) => [
          name,
          { dtype, shape, bytes: Buffer.from(data).toString('hex') },
        ]);
        const found = seen.tensors.map(({ name, dtype, shape, bytes }) => [name, { dtype, shape, bytes }]);
        expect(new Map(found as never)).toEqual(new Map(wanted as never));
        for (const { begin, dtype } of seen.tensors)
          expect(begin % (BITS[dtype as keyof typeof BITS] / 8)).toBe(0);

        const [whole, quick] = [await readTensorFile(file), await readTensorStructure(file)];
        expect(whole!.tensors).toEqual(quick!.tensors);
        expect(Object.fromEntries(whole!.metadata)).toEqual(metadata);
        expect(quick!.provenance).toEqual(records);
        for (const { name, data } of tensors) expect([...whole!.data.get(name)!]).toEqual([...data]);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('is the same whatever the order of its tensors', () => {
    const other: Tensor = { name: 'a', dtype: 'U8', shape: [1], data: Uint8Array.of(9) };
    const one = Buffer.concat(encodeTensorFile([latent, other], {}, records));
    expect(Buffer.concat(encodeTensorFile([other, latent], {}, records)).equals(one)).toBe(true);
  });

  it('is refused with two tensors of one name, and with bytes that do not fit', () => {
    const refused = (tensors: Tensor[]) => codeOf((async () => encodeTensorFile(tensors, {}, records))());
    return Promise.all([
      expect(refused([latent, latent])).resolves.toBe('ERR_ARGUMENT'),
      expect(refused([{ ...latent, shape: [2, 1, 2] }])).resolves.toBe('ERR_ARGUMENT'),
    ]);
  });
});

describe('types of latents', () => {
  it('are rounded to bfloat16 as torch does', () => {
    const packed = readFileSync(new URL('golden/data/trainers.json.gz', import.meta.url));
    const { bfloat16 } = JSON.parse(gunzipSync(packed).toString('utf8')) as {
      bfloat16: { float32: number[]; bfloat16: number[] };
    };
    const values = new Float32Array(Uint32Array.from(bfloat16.float32).buffer);
    expect([...toBfloat16Array(values)]).toEqual(bfloat16.bfloat16);
  });

  it('keep NaN in bfloat16, even where only its lowest bit tells', () => {
    const values = new Float32Array(Uint32Array.of(0x7f800001, 0xffffffff).buffer);
    for (const bits of toBfloat16Array(values)) {
      expect(bits & 0x7f80).toBe(0x7f80);
      expect(bits & 0x7f).not.toBe(0);
    }
  });

  it('have their names in safetensors', () => {
    const types = (['float32', 'float16', 'bfloat16'] as const).map((dtype) => {
      const { dtype: name, data } = encodeFloats(floats(1, -2), dtype);
      return [name, Buffer.from(data).toString('hex')];
    });
    expect(types).toEqual([
      ['F32', '0000803f000000c0'],
      ['F16', '003c00c0'],
      ['BF16', '803f00c0'],
    ]);
  });
});

describe('a damaged file', () => {
  const sound = Buffer.concat(encodeTensorFile([latent], { a: 'b' }, records));

  it('is refused when a byte of a tensor has changed, though its head is sound', async () => {
    const bytes = Buffer.from(sound);
    bytes[bytes.length - 1]! ^= 1;
    const file = await write('flipped.safetensors', [bytes]);
    expect(await codeOf(readTensorFile(file))).toBe('ERR_CACHE_CORRUPT');
    expect((await readTensorStructure(file))!.tensors.size).toBe(1);
  });

  it('is refused by both readers when it is cut anywhere', async () => {
    for (let length = 0; length < sound.length; length += 7) {
      const file = await write('cut.safetensors', [sound]);
      await truncate(file, length);
      expect(await codeOf(readTensorFile(file))).toBe('ERR_CACHE_CORRUPT');
      expect(await codeOf(readTensorStructure(file))).toBe('ERR_CACHE_CORRUPT');
    }
  });

  it('is refused with a header longer than that of any cache', async () => {
    const header = Buffer.from(`{"__metadata__":{"a":"${'x'.repeat(1 << 20)}"}}`);
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length));
    const file = await write('long.safetensors', [prefix, header]);
    expect(await codeOf(readTensorStructure(file))).toBe('ERR_CACHE_CORRUPT');
  });

  it('is refused when it is larger than any cache, without being read', async () => {
    const file = await write('huge.safetensors', [sound]);
    await truncate(file, 2 ** 40);
    expect(await codeOf(readTensorFile(file))).toBe('ERR_CACHE_CORRUPT');
  });

  it('is refused when it is a folder, and is nothing when it is missing', async () => {
    await mkdir(path.join(folder, 'folder.safetensors'));
    expect(await codeOf(readTensorFile(path.join(folder, 'folder.safetensors')))).toBe('ERR_CACHE_CORRUPT');
    expect(await readTensorFile(path.join(folder, 'missing.safetensors'))).toBeUndefined();
    expect(await readTensorStructure(path.join(folder, 'missing.safetensors'))).toBeUndefined();
  });
});

describe('a file of another program', () => {
  it('is read without checksum and has no record of ours', async () => {
    const header = Buffer.from('{"latent":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length));
    const file = await write('foreign.safetensors', [prefix, header, Buffer.from([0, 0, 128, 63])]);
    const read = await readTensorFile(file);
    expect([...read!.data.get('latent')!]).toEqual([0, 0, 128, 63]);
    expect(isTensorFileOurs(read!, () => '')).toBe(false);
  });

  it('is told from one of ours by the record of each tensor', async () => {
    const file = await write('ours.safetensors', encodeTensorFile([latent], {}, records));
    const read = (await readTensorStructure(file))!;
    expect(isTensorFileOurs(read, () => '')).toBe(true);
    expect(isTensorFileOurs(read, () => '_8x8')).toBe(false);
    expect(isTensorFileOurs(read, () => undefined)).toBe(false);
  });
});

describe('the plain format', () => {
  const geometry = {
    original: { width: 800, height: 600 },
    resized: { width: 86, height: 64 },
    bucket: { width: 80, height: 64 },
    crop: { left: 3, top: 0 },
    cropLtrb: [0, 2, 80, 62] as const,
  };
  const shape = [4, 8, 10] as const;
  const entry = {
    shape,
    latents: new Float32Array(320).fill(1),
    latentsFlipped: new Float32Array(320).fill(2),
    alphaMask: new Uint8Array(80 * 64).fill(255),
    geometry,
  };

  it('names a file by image, size and model, and reads the name back', () => {
    expect(plain.cacheName('a.b_c', geometry.original, 'flux2')).toBe('a.b_c_0800x0600_flux2.safetensors');
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.integer({ min: 1, max: 99999 }),
        fc.integer({ min: 1, max: 99999 }),
        fc.constantFrom(...MODEL_IDS),
        (stem, width, height, model) => {
          const original = { width, height };
          const name = plain.cacheName(stem, original, model);
          expect(plain.parseCacheName(name)).toEqual({ stem, original, model });
        },
      ),
    );
    expect(plain.parseCacheName('a_0800x0600_qi.safetensors')).toBeUndefined();
    expect(plain.parseCacheName('a_sdxl.safetensors')).toBeUndefined();
  });

  it('has the keys, types and shapes of its specification', () => {
    const tensors = plain
      .entryTensors(entry, 'bfloat16')
      .map(({ name, dtype, shape: sides }) => [name, dtype, ...sides]);
    expect(tensors.sort()).toEqual([
      ['alpha_mask_8x10', 'U8', 64, 80],
      ['crop_ltrb_8x10', 'F64', 4],
      ['latents_8x10', 'BF16', 4, 8, 10],
      ['latents_flipped_8x10', 'BF16', 4, 8, 10],
      ['original_size_8x10', 'I64', 2],
    ]);
    for (const [name] of tensors) expect(plain.tensorKeySuffix(name as string)).toBe('_8x10');
    expect(plain.tensorKeySuffix('latent')).toBeUndefined();
  });

  it('says everything in its metadata that its numbers depend on', () => {
    const facts = {
      model: 'flux',
      vae: 'fingerprint',
      values: 'raw',
      normalisation: { kind: 'affine', shift: 0.1159, scale: 0.3611 },
      posterior: 'mean',
      software: 'latent-cache 0.1.0',
    } as const;
    expect(plain.fileMetadata(facts, [entry])).toEqual({
      format: 'latent-cache',
      format_version: '1',
      software: 'latent-cache 0.1.0',
      model: 'flux',
      vae: 'fingerprint',
      values: 'raw',
      normalisation: '{"kind":"affine","shift":0.1159,"scale":0.3611}',
      posterior: 'mean',
      geometry_8x10: '{"original":[800,600],"resized":[86,64],"crop":[3,0],"bucket":[80,64]}',
    });
  });

  it('keeps sizes and crops as numbers', () => {
    const seen = independentRead(
      Buffer.concat(encodeTensorFile(plain.entryTensors(entry, 'float32'), {}, records)),
    );
    const bytes = (name: string) =>
      Uint8Array.from(Buffer.from(seen.tensors.find((tensor) => tensor.name === name)!.bytes, 'hex')).buffer;
    expect([...new BigInt64Array(bytes('original_size_8x10'))]).toEqual([800n, 600n]);
    expect([...new Float64Array(bytes('crop_ltrb_8x10'))]).toEqual([0, 2, 80, 62]);
    expect(new Float32Array(bytes('latents_flipped_8x10'))[0]).toBe(2);
  });
});

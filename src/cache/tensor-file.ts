/**
 * Latent caches that are safetensors files: written from memory, read from their head or whole. How they were made stands
 * in their metadata under `latent_cache`, where the trainers never look; safetensors has no checksum, so that one of the
 * tensors' bytes stands beside it.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import { toFloat16Array } from '../float16.js';
import { bfloat16Bits, bitsOf, type Dtype } from '../model/safetensors/dtypes.js';
import {
  parseHeader,
  readHeaderLength,
  type SafetensorsHeader,
  type TensorInfo,
} from '../model/safetensors/header.js';
import { encodeHeader } from '../model/safetensors/writer.js';
import { crc32 } from './crc32.js';
import type { LatentDtype } from './latent-entry.js';
import { decodeProvenance, encodeProvenance, type ProvenanceRecord } from './provenance.js';
import { unreadable } from './unreadable.js';

/** How latents can be stored; the names are torch's, with which musubi-tuner's keys end. */
export type StoredDtype = LatentDtype;

/** One tensor of a file, little-endian and in row-major order. */
export interface Tensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** What the head of a file says; no tensor has been read. */
export interface TensorFileStructure {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Without the two entries of ours. */
  readonly metadata: ReadonlyMap<string, string>;
  /** By key suffix; empty for files that others wrote. */
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;
  /** Size of the file. */
  readonly bytes: number;
}

/** A file that has been read whole. */
export interface TensorFile extends TensorFileStructure {
  /** The bytes of each tensor, as views of the file's. */
  readonly data: ReadonlyMap<string, Uint8Array>;
  /** CRC-32 of the whole file. */
  readonly crc32: number;
}

const PROVENANCE_KEY = 'latent_cache';
/** CRC-32 of everything behind the header, eight hex digits. */
const CHECKSUM_KEY = 'latent_cache_crc32';
/** Much more than the header of any cache, and no memory to speak of once it is parsed. */
const MAX_HEADER_BYTES = 1 << 20;
/** No cache comes near this: a float32 mask of 8192² pixels, and latents beside it. */
const MAX_FILE_BYTES = 320 * 2 ** 20;

/**
 * The pieces of a file, one after the other. Equal input gives equal bytes; the data begins on a multiple of eight bytes,
 * and wider types come first, so that every tensor lies on a multiple of its element's size.
 *
 * @param records what made the tensors, by key suffix; none for files that are not of this program
 * @throws LatentCacheError `ERR_ARGUMENT` for two tensors of one name, or bytes that do not fit a shape
 */
export function encodeTensorFile(
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
  records: ReadonlyMap<string, ProvenanceRecord>,
): Uint8Array[] {
  checkTensors(tensors);
  const ordered = [...tensors].sort(
    (a, b) => bitsOf(b.dtype) - bitsOf(a.dtype) || (a.name < b.name ? -1 : 1),
  );
  const sum = ordered.reduce((crc, { data }) => crc32(data, crc), 0);
  const header = encodeHeader(ordered, {
    ...metadata,
    [CHECKSUM_KEY]: hex(sum),
    ...(records.size > 0 && { [PROVENANCE_KEY]: Buffer.from(encodeProvenance(records)).toString('utf8') }),
  });
  return [header, ...ordered.map(({ data }) => data)];
}

/** float32 values in the type they are stored in. Finite values beyond its range become infinite. */
export function encodeFloats(values: Float32Array, dtype: StoredDtype): Pick<Tensor, 'dtype' | 'data'> {
  switch (dtype) {
    case 'float32':
      return { dtype: 'F32', data: bytesOf(values) };
    case 'float16':
      return { dtype: 'F16', data: bytesOf(toFloat16Array(values)) };
    case 'bfloat16':
      return { dtype: 'BF16', data: bytesOf(toBfloat16Array(values)) };
  }
}

/** float32 → bfloat16 bits, round to nearest even; NaN stays NaN. */
export function toBfloat16Array(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const isNumber = (word & 0x7fffffff) <= 0x7f800000;
    bits[index] = isNumber ? bfloat16Bits(word) : (word >>> 16) | 0x40;
  }
  return bits;
}

/**
 * Reads names, types, shapes and metadata from the head of a file. What it does not see is whether the tensors' bytes are
 * as they were written: `readTensorFile` does, in files of this program.
 *
 * @returns undefined when there is no such file
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export async function readTensorStructure(file: string): Promise<TensorFileStructure | undefined> {
  const opened = await openCache(file);
  if (opened === undefined) return undefined;
  try {
    return outline((await readHead(file, opened)).header, opened.bytes);
  } finally {
    await opened.handle.close();
  }
}

/**
 * Reads a file whole and checks it as far as it can be: its structure, and the checksum where it has one.
 *
 * @returns undefined when there is no such file
 * @throws LatentCacheError `ERR_CACHE_CORRUPT` when it cannot be trusted
 */
export async function readTensorFile(file: string): Promise<TensorFile | undefined> {
  const opened = await openCache(file);
  if (opened === undefined) return undefined;
  try {
    const { header, dataStart, head } = await readHead(file, opened);
    const bytes = await readExactly(file, opened.handle, dataStart, opened.bytes - dataStart);
    const wanted = header.metadata.get(CHECKSUM_KEY);
    if (wanted !== undefined && wanted !== hex(crc32(bytes))) {
      throw corrupt(file, new Error('the bytes of its tensors are not those that were written'));
    }
    const data = new Map<string, Uint8Array>();
    for (const [name, { begin, end }] of header.tensors) data.set(name, bytes.subarray(begin, end));
    const sum = crc32(bytes, head);
    return { ...outline(header, opened.bytes), data, crc32: sum };
  } finally {
    await opened.handle.close();
  }
}

/** True when every tensor has a record of ours. */
export function isTensorFileOurs(
  { tensors, provenance }: TensorFileStructure,
  suffixOf: (tensorName: string) => string | undefined,
): boolean {
  return (
    tensors.size > 0 && [...tensors.keys()].every((name) => provenance.has(suffixOf(name) ?? 'not ours'))
  );
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly bytes: number;
}

async function openCache(file: string): Promise<OpenFile | undefined> {
  try {
    // Opening a named pipe would wait for ever, so look before opening.
    const status = await stat(file);
    if (!status.isFile()) throw new Error('it is no regular file');
    if (status.size > MAX_FILE_BYTES) throw new Error(`it has ${status.size} bytes, more than any cache`);
    return { handle: await open(file, 'r'), bytes: status.size };
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return undefined;
    throw unreadable(file, cause);
  }
}

/** `head`: CRC-32 of what stands in front of the tensors. */
async function readHead(file: string, { handle, bytes }: OpenFile) {
  const prefix = await readExactly(file, handle, 0, Math.min(8, bytes));
  let length: number;
  try {
    length = readHeaderLength(prefix, bytes);
  } catch (cause) {
    throw corrupt(file, cause);
  }
  if (length > MAX_HEADER_BYTES) throw corrupt(file, new Error(`its header has ${length} bytes`));
  const json = await readExactly(file, handle, 8, length);
  try {
    const header = parseHeader(json, bytes - 8 - length);
    return { header, dataStart: 8 + length, head: crc32(json, crc32(prefix)) };
  } catch (cause) {
    throw corrupt(file, cause);
  }
}

function outline({ tensors, metadata }: SafetensorsHeader, bytes: number): TensorFileStructure {
  const others = new Map(metadata);
  others.delete(PROVENANCE_KEY);
  others.delete(CHECKSUM_KEY);
  const provenance = decodeProvenance(Buffer.from(metadata.get(PROVENANCE_KEY) ?? '', 'utf8'));
  return { tensors, metadata: others, provenance, bytes };
}

async function readExactly(
  file: string,
  handle: FileHandle,
  position: number,
  length: number,
): Promise<Buffer> {
  const target = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    let bytesRead: number;
    try {
      ({ bytesRead } = await handle.read(target, done, length - done, position + done));
    } catch (cause) {
      throw unreadable(file, cause);
    }
    if (bytesRead === 0) throw unreadable(file, new Error('it became shorter while it was read'));
    done += bytesRead;
  }
  return target;
}

function checkTensors(tensors: readonly Tensor[]): void {
  const names = new Set<string>();
  for (const { name, dtype, shape, data } of tensors) {
    if (names.has(name)) throw new LatentCacheError('ERR_ARGUMENT', `two tensors are named ${name}`);
    names.add(name);
    const bytes = shape.reduce((product, side) => product * side, bitsOf(dtype)) / 8;
    if (data.byteLength === bytes) continue;
    throw new LatentCacheError(
      'ERR_ARGUMENT',
      `expected ${bytes} bytes for tensor ${name}, got ${data.byteLength}`,
    );
  }
}

function corrupt(file: string, cause: unknown): LatentCacheError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LatentCacheError('ERR_CACHE_CORRUPT', `${file} is no sound safetensors file: ${reason}`, {
    path: file,
    cause,
  });
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0');
}

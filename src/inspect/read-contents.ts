/** A whole cache file of either container, read and checked. */
import { open, stat } from 'node:fs/promises';
import { crc32 } from '../cache/crc32.js';
import type { ProvenanceRecord } from '../cache/provenance.js';
import { readTensorFile } from '../cache/tensor-file.js';
import { unreadable } from '../cache/unreadable.js';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import { memberKeySuffix } from '../trainers/sd-scripts/files.js';
import { readCache } from '../trainers/sd-scripts/read-npz.js';
import { arrayOfNpy, arrayOfTensor, type StoredArray } from './stored-array.js';

export type Container = 'npz' | 'safetensors';

export interface CacheContents {
  readonly path: string;
  readonly container: Container;
  readonly bytes: number;
  readonly crc32: number;
  readonly arrays: ReadonlyMap<string, StoredArray>;
  /** Names of arrays in an npz file that no trainer knows; they are not looked at. */
  readonly unknown: readonly string[];
  /** Of a safetensors file, without our record and checksum. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Ours, by key suffix. */
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;
}

/**
 * Reads a cache file and checks structure and CRCs; it is held in memory whole, and larger ones than any cache are refused.
 *
 * @throws LatentCacheError `ERR_CACHE_CORRUPT` for what cannot be read, `ERR_NO_INPUT` when there is no such file
 */
export async function readContents(file: string): Promise<CacheContents> {
  const contents = await ((await isZip(file)) ? readNpz(file) : readTensors(file)).catch((error) => {
    throw withPath(error, file);
  });
  if (contents === undefined) throw missing(file);
  return contents;
}

/** What is wrong inside of a file is said without its name. */
function withPath(error: unknown, file: string): unknown {
  if (!(error instanceof LatentCacheError) || error.path !== undefined) return error;
  return new LatentCacheError(error.code, `${file}: ${error.message}`, { path: file, cause: error });
}

/** By its first bytes; a file without those of a zip by its name. */
async function isZip(file: string): Promise<boolean> {
  const start = Buffer.alloc(2);
  try {
    // Opening a named pipe would wait for ever, so look before opening.
    if (!(await stat(file)).isFile()) throw new Error('it is no regular file');
    const handle = await open(file, 'r');
    try {
      await handle.read(start, 0, start.length, 0);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') throw missing(file);
    throw unreadable(file, cause);
  }
  return start.toString('latin1') === 'PK' || file.endsWith('.npz');
}

async function readNpz(file: string): Promise<CacheContents | undefined> {
  const cache = await readCache(file);
  if (cache === undefined) return undefined;
  const arrays = new Map<string, StoredArray>();
  const unknown: string[] = [];
  for (const [name, { npy, member }] of cache.arrays) {
    if (memberKeySuffix(member.name) === undefined) unknown.push(name);
    else arrays.set(name, arrayOfNpy(name, npy));
  }
  return {
    path: file,
    container: 'npz',
    bytes: cache.bytes.length,
    crc32: crc32(cache.bytes),
    arrays,
    unknown,
    metadata: new Map(),
    provenance: cache.provenance,
  };
}

async function readTensors(file: string): Promise<CacheContents | undefined> {
  const cache = await readTensorFile(file);
  if (cache === undefined) return undefined;
  const arrays = new Map<string, StoredArray>();
  for (const [name, { dtype, shape }] of cache.tensors) {
    arrays.set(name, arrayOfTensor(name, dtype, shape, cache.data.get(name)!));
  }
  const { bytes, crc32: sum, metadata, provenance } = cache;
  const read = { bytes, crc32: sum, arrays, metadata, provenance };
  return { path: file, container: 'safetensors', unknown: [], ...read };
}

function missing(file: string): LatentCacheError {
  return new LatentCacheError('ERR_NO_INPUT', `There is no file ${file}`, {
    path: file,
    remedy: 'Name a cache file: .npz or .safetensors.',
  });
}

/** What the trainers whose caches are safetensors files have in common. */
import { writeFileAtomic } from '../cache/atomic-file.js';
import { crc32 } from '../cache/crc32.js';
import type { ProvenanceRecord } from '../cache/provenance.js';
import {
  encodeTensorFile,
  isTensorFileOurs,
  readTensorFile,
  type Tensor,
  type TensorFileStructure,
} from '../cache/tensor-file.js';
import type { Size } from '../dataset/bucket.js';
import type { NativeBinding } from '../native/binding.js';
import type { CacheExpectation, StoredCache, WrittenCache } from './trainer.js';

/** How one trainer reads such a file. */
export interface TensorReading {
  /** The key suffix of a tensor; undefined for tensors that are none of its. */
  suffixOf(tensorName: string): string | undefined;
  findDifference(cache: TensorFileStructure, expected: CacheExpectation): string | undefined;
  holds(cache: TensorFileStructure, keySuffix: string): { readonly flip: boolean; readonly alpha: boolean };
}

/** @throws LatentCacheError `ERR_CACHE_CORRUPT` */
export async function openTensorCache(
  file: string,
  reading: TensorReading,
): Promise<StoredCache | undefined> {
  const cache = await readTensorFile(file);
  if (cache === undefined) return undefined;
  return {
    bytes: cache.bytes,
    crc32: cache.crc32,
    provenance: cache.provenance,
    isOurs: isTensorFileOurs(cache, (name) => reading.suffixOf(name)),
    findDifference: (expected) => reading.findDifference(cache, expected),
    holds: (keySuffix) => reading.holds(cache, keySuffix),
  };
}

export async function writeTensorCache(
  path: string,
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>>,
  records: ReadonlyMap<string, ProvenanceRecord>,
  files: Pick<NativeBinding, 'writeFileAtomic'>,
): Promise<WrittenCache> {
  const pieces = encodeTensorFile(tensors, metadata, records);
  await writeFileAtomic(path, pieces, files);
  return {
    bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
    crc32: pieces.reduce((crc, piece) => crc32(piece, crc), 0),
  };
}

/** Header and records. */
const CONTAINER_BYTES = 2048;

export function tensorFileOverhead({ width, height }: Size, alphaMask: boolean): number {
  return CONTAINER_BYTES + (alphaMask ? width * height : 0);
}

/** Says how a tensor differs from what is expected; undefined when it does not. */
export function findShapeDifference(
  cache: TensorFileStructure,
  name: string,
  shape: readonly number[],
): string | undefined {
  const tensor = cache.tensors.get(name);
  if (tensor === undefined) return `it has no ${name}`;
  const isFloat = ['F32', 'F16', 'BF16'].includes(tensor.dtype);
  if (isFloat && tensor.shape.join() === shape.join()) return undefined;
  return `its ${name} is ${tensor.dtype} (${tensor.shape.join(', ')}), not (${shape.join(', ')})`;
}

import { readFile } from 'node:fs/promises';
import { LatentCacheError, systemErrorCode } from '../errors.js';
import { type NpyHeader, readNpyHeader } from './npy.js';
import { decodeProvenance, type ProvenanceRecord } from './provenance.js';
import { memberKeySuffix } from './sd-scripts.js';
import { readZipDirectory, readZipMember, type ZipMember } from './zip.js';

/** A cache file that has been read and whose every member passed its CRC. */
export interface CacheFile {
  /** The whole file. */
  readonly bytes: Buffer;
  readonly arrays: ReadonlyMap<string, CacheArray>;
  /** By key suffix; empty for files that others wrote. */
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;
}

export interface CacheArray {
  readonly header: NpyHeader;
  /** The whole npy file. */
  readonly npy: Buffer;
  readonly member: ZipMember;
}

/** True when every latent in the file has a record of ours. */
export function isAllOurs({ arrays, provenance }: CacheFile): boolean {
  return [...arrays.values()].every(({ member }) =>
    provenance.has(memberKeySuffix(member.name) ?? 'not ours'),
  );
}

/** No latent or mask comes near this: 8192² float32 mask. */
const MAX_MEMBER_BYTES = 8192 * 8192 * 4 + 4096;

/**
 * Reads a whole npz file and checks structure, sizes and CRCs.
 *
 * @returns undefined when there is no such file
 * @throws LatentCacheError `ERR_CACHE_CORRUPT` when it cannot be trusted
 */
export async function readCache(file: string): Promise<CacheFile | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return undefined;
    throw new LatentCacheError('ERR_CACHE_CORRUPT', `Cannot read the cache ${file}: ${String(cause)}`, {
      path: file,
      cause,
    });
  }
  const directory = readZipDirectory(bytes);
  const arrays = new Map<string, CacheArray>();
  for (const member of directory.members) {
    const npy = await readZipMember(bytes, member, MAX_MEMBER_BYTES);
    if (!member.name.endsWith('.npy')) continue;
    arrays.set(member.name.slice(0, -'.npy'.length), { header: readNpyHeader(npy), npy, member });
  }
  return { bytes, arrays, provenance: decodeProvenance(directory.comment) };
}

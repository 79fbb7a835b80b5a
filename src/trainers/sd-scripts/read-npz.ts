import { readFile, stat } from 'node:fs/promises';
import { readNpyHeader } from '../../cache/npy.js';
import { decodeProvenance, type ProvenanceRecord } from '../../cache/provenance.js';
import { unreadable } from '../../cache/unreadable.js';
import { readZipDirectory, readZipMember, type ZipMember } from '../../cache/zip.js';
import { LatentCacheError, systemErrorCode } from '../../errors.js';
import type { ArrayStructure } from './npz-structure.js';

export { isAllOurs } from './npz-structure.js';

/** A cache file that has been read and whose every member passed its CRC. */
export interface CacheFile {
  /** The whole file. */
  readonly bytes: Buffer;
  readonly arrays: ReadonlyMap<string, CacheArray>;
  readonly members: readonly ZipMember[];
  /** By key suffix; empty for files that others wrote. */
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;
}

export interface CacheArray extends ArrayStructure {
  /** The whole npy file. */
  readonly npy: Buffer;
}

/** No latent or mask comes near this: 8192² float32 mask. */
const MAX_MEMBER_BYTES = 8192 * 8192 * 4 + 4096;
/** All members of a file together, and the file itself. */
const MAX_CACHE_BYTES = MAX_MEMBER_BYTES + 64 * 2 ** 20;

/**
 * Reads a whole npz file and checks structure, sizes and CRCs.
 *
 * @returns undefined when there is no such file
 * @throws LatentCacheError `ERR_CACHE_CORRUPT` when it cannot be trusted
 */
export async function readCache(file: string): Promise<CacheFile | undefined> {
  const bytes = await readWhole(file);
  if (bytes === undefined) return undefined;
  const { members, comment } = readZipDirectory(bytes);
  const unpacked = members.reduce((sum, member) => sum + member.bytes, 0);
  if (unpacked > MAX_CACHE_BYTES) throw tooLarge(file, unpacked);
  const arrays = new Map<string, CacheArray>();
  for (const member of members) {
    const npy = await readZipMember(bytes, member, MAX_MEMBER_BYTES);
    if (!member.name.endsWith('.npy')) continue;
    arrays.set(member.name.slice(0, -'.npy'.length), { header: readNpyHeader(npy), npy, member });
  }
  return { bytes, arrays, members, provenance: decodeProvenance(comment) };
}

async function readWhole(file: string): Promise<Buffer | undefined> {
  try {
    const status = await stat(file);
    // Reading a named pipe would wait for ever.
    if (!status.isFile()) throw new Error('it is no regular file');
    if (status.size > MAX_CACHE_BYTES) throw tooLarge(file, status.size);
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof LatentCacheError) throw cause;
    if (systemErrorCode(cause) === 'ENOENT') return undefined;
    throw unreadable(file, cause);
  }
}

function tooLarge(file: string, bytes: number): LatentCacheError {
  return new LatentCacheError('ERR_CACHE_CORRUPT', `${file} holds ${bytes} bytes, more than any cache`, {
    path: file,
  });
}

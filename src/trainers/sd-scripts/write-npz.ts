import { writeFileAtomic } from '../../cache/atomic-file.js';
import { crc32 } from '../../cache/crc32.js';
import type { LatentEntry } from '../../cache/latent-entry.js';
import { encodeProvenance, type ProvenanceRecord } from '../../cache/provenance.js';
import { writeZip, type ZipInput } from '../../cache/zip.js';
import { LatentCacheError } from '../../errors.js';
import type { NativeBinding } from '../../native/binding.js';
import type { WriteRequest, WrittenCache } from '../trainer.js';
import { entryMembers, memberKeySuffix } from './files.js';
import { type CacheFile, readCache } from './read-npz.js';

/**
 * Writes one image's cache, whole or not at all. Latents of other resolutions in an existing file are kept, as the
 * trainer keeps them; everything that belongs to this resolution is replaced.
 */
export async function writeNpz(
  request: WriteRequest,
  files: Pick<NativeBinding, 'writeFileAtomic'>,
): Promise<WrittenCache> {
  const { path, entry, keySuffix, dtype, record } = request;
  const kept = keepOtherResolutions(await readIfSound(path), keySuffix, entry);
  const members = [...entryMembers(entry, keySuffix, dtype), ...kept.members];
  const provenance = new Map(
    [...kept.provenance, [keySuffix, record] as const].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const pieces = await writeZip(members, encodeProvenance(provenance));
  await writeFileAtomic(path, pieces, files);
  return {
    bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
    crc32: pieces.reduce((crc, piece) => crc32(piece, crc), 0),
  };
}

/** A broken file has nothing to keep. */
async function readIfSound(path: string): Promise<CacheFile | undefined> {
  try {
    return await readCache(path);
  } catch (error) {
    if (error instanceof LatentCacheError) return undefined;
    throw error;
  }
}

interface Kept {
  readonly members: readonly ZipInput[];
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;
}

function keepOtherResolutions(existing: CacheFile | undefined, keySuffix: string, entry: LatentEntry): Kept {
  if (existing === undefined) return { members: [], provenance: new Map() };
  const [, height, width] = entry.shape;
  // The same size under the other kind of key would win over ours in some versions of the trainer.
  const replaced = new Set([keySuffix, `_${height}x${width}`]);
  const bare = existing.arrays.get('latents')?.header.shape.slice(-2);
  if (bare === undefined || (bare[0] === height && bare[1] === width)) replaced.add('');

  const members: ZipInput[] = [];
  for (const [key, array] of existing.arrays) {
    const suffix = memberKeySuffix(array.member.name);
    if (suffix === undefined || replaced.has(suffix)) continue;
    members.push({ name: `${key}.npy`, data: array.npy, compress: array.member.method !== 0 });
  }
  return {
    members,
    provenance: new Map([...existing.provenance].filter(([suffix]) => !replaced.has(suffix))),
  };
}

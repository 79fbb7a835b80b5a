/** The manifest from the caches' own records: what `latent-cache index` does. */
import path from 'node:path';
import { crc32 } from '../cache/crc32.js';
import type { ProvenanceRecord } from '../cache/provenance.js';
import type { Size } from '../dataset/bucket.js';
import { hashImage } from '../dataset/hash-image.js';
import { isImageName, withoutExtension } from '../dataset/image-names.js';
import { inspectImage } from '../dataset/inspect-image.js';
import { LatentCacheError } from '../errors.js';
import { stateAt } from '../manifest/file-state.js';
import type { CacheRow } from '../manifest/rows.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import { ownerOfCache } from '../trainers/sd-scripts/files.js';
import { type CacheFile, readCache } from '../trainers/sd-scripts/read-npz.js';
import { Dataset, type ListedSource } from './dataset.js';
import type { NoticeEvent } from './events.js';
import type { ImageTable } from './image-table.js';
import { imageKey } from './manifest-rows.js';
import { mapLimit } from './map-limit.js';
import { type OutputGroup, takeCacheNames } from './output-group.js';

export interface IndexOptions {
  /** Folders with images. */
  readonly inputs: readonly string[];
  /** Where the caches are; default: beside the images. */
  readonly outDir?: string;
  readonly recursive?: boolean;
  readonly signal?: AbortSignal;
  readonly binding?: NativeBinding;
  /** Is told of trouble with a manifest. */
  readonly onNotice?: (notice: NoticeEvent) => void;
}

export interface IndexSummary {
  readonly images: number;
  /** Rows: latents of an image that are ours and made of it as it is. */
  readonly indexed: number;
  /** Latents of ours made of another content of the image: the next build makes them again. */
  readonly outdated: number;
  /** Files that other programs wrote. */
  readonly foreign: number;
  /** Caches and images that cannot be read. */
  readonly unreadable: number;
  /** Caches whose image is not there. */
  readonly withoutImage: number;
  readonly seconds: number;
}

const LOOKUPS = 16;
const IMAGES = { isImage: isImageName, captions: null, searchesSubFolders: false };
const FILES = { folder: '', isCache: (name: string) => name.endsWith('.npz') };
/** Pixels a latent cell, in the caches of all models of sd-scripts' format. */
const STRIDE = 8;

/**
 * Rebuilds the manifests of image folders. Caches are read and images hashed; neither is changed, and no VAE is needed.
 *
 * @throws LatentCacheError as `Dataset.open`, `ERR_ABORTED`, `ERR_MANIFEST` (a manifest cannot be written)
 */
export async function indexCaches(options: IndexOptions): Promise<IndexSummary> {
  const began = performance.now();
  const { inputs, outDir, recursive = false, signal, onNotice = () => {} } = options;
  const binding = options.binding ?? loadBinding();
  const source = { inputs, outDir, recursive, rules: IMAGES, files: FILES };
  await using dataset = await Dataset.open([source], false, binding, onNotice);
  const [{ table, groups }] = dataset.sources as [ListedSource];
  const counts = { indexed: 0, outdated: 0, foreign: 0, unreadable: 0, withoutImage: 0 };
  for (const group of groups) {
    for (const part of group.parts) {
      await dataset.manifest.clearFolder(group.root, table.folders[part]!.inside);
    }
    const names = await takeCacheNames(group, table.folders, source);
    const caches = names.filter((name) => FILES.isCache(name));
    const read = readGroup(table, binding, group);
    for await (const found of mapLimit(caches, LOOKUPS, read)) {
      if (signal?.aborted) throw new LatentCacheError('ERR_ABORTED', 'Ended before everything was indexed');
      for (const row of found.rows) dataset.manifest.recordKept(group.root, row);
      counts.indexed += found.rows.length;
      counts.outdated += found.outdated;
      if (found.trouble !== undefined) counts[found.trouble]++;
      await dataset.manifest.ready();
    }
  }
  await dataset.manifest.close();
  const { trouble } = dataset.manifest;
  if (trouble !== undefined) {
    throw new LatentCacheError('ERR_MANIFEST', `${trouble.root} was not indexed: ${trouble.reason}`, {
      path: trouble.root,
      remedy: 'Check permissions and space there, and whether another program is at work on .latent-cache.',
    });
  }
  return { images: table.length, ...counts, seconds: (performance.now() - began) / 1000 };
}

interface Found {
  readonly rows: readonly CacheRow[];
  /** Entries whose image has changed. */
  readonly outdated: number;
  readonly trouble?: 'foreign' | 'unreadable' | 'withoutImage';
}

/** Reads the cache of a name, and the image that it is of. */
function readGroup(
  table: ImageTable,
  binding: NativeBinding,
  group: OutputGroup,
): (name: string) => Promise<Found> {
  const images = new Map<string, number>();
  for (const part of group.parts) {
    for (const [index, name] of table.folders[part]!.images.entries()) {
      images.set(withoutExtension(name), table.start(part) + index);
    }
  }
  return async (name) => {
    const file = path.join(group.folder, name);
    const owner = ownerOfCache(name, (base) => images.has(base));
    if (owner === undefined) return { rows: [], outdated: 0, trouble: 'withoutImage' };
    const image = table.image(images.get(owner.base)!);
    try {
      const states = await binding.statFiles([file, image.path]);
      const [cacheState, source] = [stateAt(states, 0), stateAt(states, 1)];
      const cache = await readCache(file);
      if (cache === undefined || cacheState === undefined || source === undefined) {
        return { rows: [], outdated: 0, trouble: 'unreadable' };
      }
      if (cache.provenance.size === 0) return { rows: [], outdated: 0, trouble: 'foreign' };
      const info = await inspectImage(image.path, Number.POSITIVE_INFINITY, binding);
      const sha256 = await hashImage(image.path);
      const rows: CacheRow[] = [];
      for (const [keySuffix, record] of cache.provenance) {
        if (record.source.sha256 !== sha256 || record.source.bytes !== source.bytes) continue;
        rows.push({
          ...imageKey(image),
          output: name,
          source,
          info,
          ...entryRow(cache, keySuffix, record, owner.size ?? info.size),
          cache: { bytes: cache.bytes.length, modified: cacheState.modified, crc32: crc32(cache.bytes) },
        });
      }
      return { rows, outdated: cache.provenance.size - rows.length };
    } catch (error) {
      if (error instanceof LatentCacheError) return { rows: [], outdated: 0, trouble: 'unreadable' };
      throw error;
    }
  };
}

/** What one entry of a cache tells of how it was made. */
function entryRow(cache: CacheFile, keySuffix: string, record: ProvenanceRecord, listed: Size) {
  const shape = cache.arrays.get(`latents${keySuffix}`)?.header.shape ?? [];
  const [height = 0, width = 0] = shape.slice(-2);
  return {
    keySuffix,
    sha256: record.source.sha256,
    placement: {
      listed,
      bucket: { width: width * STRIDE, height: height * STRIDE },
      resized: null,
      crop: null,
    },
    recipe: {
      ...record.recipe,
      flip: cache.arrays.has(`latents_flipped${keySuffix}`),
      alpha: cache.arrays.has(`alpha_mask${keySuffix}`),
    },
    encoder: { ...record.encoder, version: null, runtime: null },
  };
}

/** Our own format, as the pipeline needs it. Images, buckets and pixels are those of sd-scripts. */
import {
  readTensorFile,
  type Tensor,
  type TensorFile,
  type TensorFileStructure,
} from '../../cache/tensor-file.js';
import { BucketSelector } from '../../dataset/bucket.js';
import { isImageName, withoutExtension } from '../../dataset/image-names.js';
import { LatentCacheError } from '../../errors.js';
import type { ModelFacts } from '../../model/catalog.js';
import type { PatchStatistics } from '../../model/normalise.js';
import type { NativeBinding } from '../../native/binding.js';
import { PACKAGE_VERSION } from '../../package-version.js';
import { BY_CONVERT } from '../mistreated.js';
import { refuseSettings } from '../refuse.js';
import { planPixels } from '../sd-scripts/pixels.js';
import { seenSize } from '../seen-size.js';
import type { TrainerSettings } from '../settings.js';
import { findSibling } from '../sibling.js';
import {
  findShapeDifference,
  openTensorCache,
  type TensorReading,
  tensorFileOverhead,
  writeTensorCache,
} from '../tensor-files.js';
import type {
  CacheExpectation,
  CacheFiles,
  InTheWay,
  Mistreated,
  NamedImages,
  StoredCache,
  Trainer,
  WriteRequest,
  WrittenCache,
} from '../trainer.js';
import {
  cacheName,
  entryTensors,
  fileMetadata,
  keySuffix,
  type NormalisationRecord,
  parseCacheName,
  tensorKeySuffix,
} from './files.js';

const MISTREATED = new Set<Mistreated>([...BY_CONVERT, 'exif-orientation']);

/** What the metadata name as the program that wrote a file. */
export const SOFTWARE = `latent-cache ${PACKAGE_VERSION}`;

/** @throws LatentCacheError `ERR_OPTION` */
export function createPlain(settings: TrainerSettings): Trainer {
  const { model, upright } = settings;
  checkSides(settings);
  const buckets = new BucketSelector(settings.buckets);
  return {
    format: 'safetensors',
    images: { isImage: isImageName, captions: null, searchesSubFolders: false },
    files: new PlainFiles(model),
    values: 'raw',
    posterior: 'sample',
    dtypes: ['float32', 'float16', 'bfloat16'],
    takesDtypeOfVae: false,
    keepsFlipped: true,
    keepsMasks: true,
    mirrorsAsImages: false,
    mistreats: MISTREATED,
    listedSize: (info) => seenSize(info, upright),
    place: (name, info, says) => {
      const listed = says ?? seenSize(info, upright);
      const { geometry, resampling } = planPixels(info, listed, buckets, settings);
      const { width, height } = geometry.bucket;
      const shape = [model.latentChannels, height / model.stride, width / model.stride] as const;
      return {
        geometry,
        resampling,
        listed,
        cacheName: cacheName(withoutExtension(name), listed, model.id),
        keySuffix: keySuffix(shape),
      };
    },
  };
}

/** Latents have whole cells, and of some models whole patches of 2×2 of them. */
function checkSides({ model, buckets }: TrainerSettings): void {
  const { enableBucket, bucketResoSteps, resolution } = buckets;
  const least = model.stride * (model.normalisation.kind === 'patches' ? 2 : 1);
  if (enableBucket && bucketResoSteps % least !== 0)
    refuseSettings(
      `bucket_reso_steps must be a multiple of ${least} for ${model.title}, got ${bucketResoSteps}`,
    );
  const { width, height } = resolution;
  if (!enableBucket && (width % least !== 0 || height % least !== 0))
    refuseSettings(`resolution must be a multiple of ${least} when buckets are off, got ${width},${height}`);
}

class PlainFiles implements CacheFiles {
  readonly folder = '';
  private readonly reading: TensorReading = {
    suffixOf: tensorKeySuffix,
    findDifference,
    holds: ({ tensors }, suffix) => ({
      flip: tensors.has(`latents_flipped${suffix}`),
      alpha: tensors.has(`alpha_mask${suffix}`),
    }),
  };

  constructor(private readonly model: ModelFacts) {}

  isCache(name: string): boolean {
    return parseCacheName(name)?.model === this.model.id;
  }

  identity(imageName: string, listed: { width: number; height: number }): string {
    return cacheName(withoutExtension(imageName), listed, this.model.id);
  }

  inTheWay(name: string, images: NamedImages): InTheWay {
    const parsed = parseCacheName(name);
    return findSibling(parsed?.model === this.model.id ? parsed : undefined, images);
  }

  open(file: string): Promise<StoredCache | undefined> {
    return openTensorCache(file, this.reading);
  }

  /** Latents of other resolutions in an existing file are kept. */
  async write(
    { path, entry, keySuffix: suffix, dtype, record, patchStatistics }: WriteRequest,
    files: Pick<NativeBinding, 'writeFileAtomic'>,
  ): Promise<WrittenCache> {
    const kept = keepOthers(await readIfSound(path), suffix, record.recipe.vae);
    const tensors = [...entryTensors(entry, dtype), ...kept.tensors];
    const facts = {
      model: this.model.id,
      vae: record.recipe.vae,
      values: 'raw',
      normalisation: normalisationRecord(this.model, patchStatistics),
      posterior: record.recipe.posterior,
      software: SOFTWARE,
    } as const;
    const metadata = { ...kept.metadata, ...fileMetadata(facts, [entry]) };
    const records = [...kept.records, [suffix, record] as const].sort(([a], [b]) => (a < b ? -1 : 1));
    return writeTensorCache(path, tensors, metadata, new Map(records), files);
  }

  overhead = tensorFileOverhead;
}

function findDifference(
  cache: TensorFileStructure,
  { keySuffix: suffix, shape, geometry, flipAug, alphaMask }: CacheExpectation,
): string | undefined {
  const { bucket } = geometry;
  const latents = findShapeDifference(cache, `latents${suffix}`, shape);
  if (latents !== undefined) return latents;
  const flipped = `latents_flipped${suffix}`;
  if (flipAug || cache.tensors.has(flipped)) {
    const different = findShapeDifference(cache, flipped, shape);
    if (different !== undefined) return different;
  }
  const mask = cache.tensors.get(`alpha_mask${suffix}`);
  if (!alphaMask && mask !== undefined) return 'it has an alpha mask, which is not wanted now';
  if (alphaMask && mask?.shape.join() !== [bucket.height, bucket.width].join())
    return 'it has no alpha mask of its size';
  return undefined;
}

interface Kept {
  readonly tensors: readonly Tensor[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly records: TensorFileStructure['provenance'];
}

/** Of another VAE nothing is kept: the metadata says one for all. */
function keepOthers(existing: TensorFile | undefined, replaced: string, vae: string): Kept {
  const records = new Map(
    [...(existing?.provenance ?? [])].filter(
      ([suffix, { recipe }]) => suffix !== replaced && recipe.vae === vae,
    ),
  );
  if (existing === undefined) return { tensors: [], metadata: {}, records };
  const isKept = (suffix: string | undefined) => suffix !== undefined && records.has(suffix);
  const tensors = [...existing.tensors]
    .filter(([name]) => isKept(tensorKeySuffix(name)))
    .map(([name, { dtype, shape }]) => ({ name, dtype, shape, data: existing.data.get(name)! }));
  const metadata = [...existing.metadata].filter(([key]) => isKept(/^geometry(_.+)$/.exec(key)?.[1]));
  return { tensors, metadata: Object.fromEntries(metadata), records };
}

/** A broken file has nothing to keep. */
async function readIfSound(file: string): Promise<TensorFile | undefined> {
  try {
    return await readTensorFile(file);
  } catch (error) {
    if (error instanceof LatentCacheError) return undefined;
    throw error;
  }
}

/** @param statistics of the VAE, where its latents are normalised by them */
export function normalisationRecord(
  { normalisation, title }: ModelFacts,
  statistics: PatchStatistics | undefined,
): NormalisationRecord {
  if (normalisation.kind !== 'patches') return normalisation;
  if (statistics === undefined) throw new Error(`no statistics for ${title}`);
  const { mean, variance } = statistics;
  return { kind: 'patches', mean: [...mean], variance: [...variance], epsilon: normalisation.epsilon };
}

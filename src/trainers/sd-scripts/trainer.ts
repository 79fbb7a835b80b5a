/** kohya sd-scripts, as the pipeline needs it. */
import { crc32 } from '../../cache/crc32.js';
import { type Bucket, BucketSelector, type BucketSettings, type Size } from '../../dataset/bucket.js';
import { isImageName, withoutExtension } from '../../dataset/image-names.js';
import { LatentCacheError } from '../../errors.js';
import type { ModelFacts } from '../../model/catalog.js';
import { BY_CONVERT } from '../mistreated.js';
import { refuseSettings } from '../refuse.js';
import type { TrainerSettings } from '../settings.js';
import type {
  CacheFiles,
  ImageFacts,
  Mistreated,
  NameConflict,
  NamedImages,
  StoredCache,
  Trainer,
} from '../trainer.js';
import { findDifference } from './check.js';
import { type CacheNaming, cachePath, keySuffix, legacyPath, parseCacheName } from './files.js';
import { findInTheWay } from './in-the-way.js';
import { LEGACY_MODELS, type SdScriptsModel, sdScriptsModel } from './models.js';
import { isPassDisabled, walkNames } from './name-pass.js';
import { listedSize, planPixels } from './pixels.js';
import { isAllOurs, readCache } from './read-npz.js';
import { writeNpz } from './write-npz.js';

/** @throws LatentCacheError `ERR_OPTION` for what the training scripts refuse */
export function createSdScripts(settings: TrainerSettings): Trainer {
  const { model, legacyName, multiResolutionKeys } = settings;
  const trained = sdScriptsModel(model);
  checkSettings(settings, trained);
  const buckets = new BucketSelector(settings.buckets);
  const naming: CacheNaming = {
    suffix: settings.suffix ?? trained.suffix,
    legacyName,
    readsLegacy: LEGACY_MODELS.has(model.id),
    sizedKeys: trained.sizedKeys || multiResolutionKeys,
  };
  const { values, posterior } = trained;
  return {
    format: 'sd-scripts',
    images: { isImage: isImageName, captions: null, searchesSubFolders: false },
    files: new NpzFiles(naming),
    values,
    posterior,
    // The reader makes float32 of whatever floats it finds; npy has no bfloat16.
    dtypes: ['float32', 'float16'],
    takesDtypeOfVae: false,
    ...(LEGACY_MODELS.has(model.id) && multiResolutionKeys && { caveat: SIZED_KEYS }),
    keepsFlipped: true,
    keepsMasks: true,
    mirrorsAsImages: false,
    mistreats: MISTREATED,
    listedSize: (info) => listedSize(info, settings),
    place: (name, info, says) => {
      const listed = says ?? listedSize(info, settings);
      if (settings.upright && (legacyName || says !== undefined)) checkNotTurned(info, legacyName);
      const { geometry, resampling } = planPixels(info, listed, buckets, settings);
      return {
        geometry,
        resampling,
        listed,
        cacheName: cachePath(name, listed, naming),
        keySuffix: keySuffix(latentSize(geometry.bucket, model.stride), naming),
      };
    },
  };
}

/**
 * Without a name that says it, the trainer takes the size of an image from the image, or from its list: upright latents would
 * be those of another bucket.
 */
function checkNotTurned({ orientation }: ImageFacts, legacyName: boolean): void {
  if (orientation < 5) return;
  throw new LatentCacheError(
    'ERR_IMAGE_ROTATED',
    `Its EXIF orientation turns it by a quarter, and the trainer ${legacyName ? 'reads its size from the image, because old-style names have none' : 'takes its size from the list of images'}`,
    { remedy: 'Save the image turned upright, or leave --auto-orient out.' },
  );
}

const SIZED_KEYS =
  'Keys have the latent size in them, so that one file holds several resolutions. sd-scripts reads such caches of SD and SDXL ' +
  'since its pull request #2269; versions before encode these images again.';

function latentSize({ width, height }: Bucket, stride: number): Size {
  return { width: Math.floor(width / stride), height: Math.floor(height / stride) };
}

function checkSettings(settings: TrainerSettings, trained: SdScriptsModel): void {
  const { model, buckets, suffix, legacyName, multiResolutionKeys } = settings;
  checkSteps(model, trained, buckets);
  if (suffix !== undefined && !/^[A-Za-z0-9-]+$/.test(suffix))
    refuseSettings(`suffix must be letters and digits, got '${suffix}'`, 'Example: --suffix sdxl.');
  if (!legacyName) return;
  if (!LEGACY_MODELS.has(model.id))
    refuseSettings(`no version of sd-scripts reads legacy_name for ${model.title}`);
  if (multiResolutionKeys) {
    refuseSettings(
      'legacy_name and multi_resolution_keys exclude each other: the versions that need the old name read bare keys only',
    );
  }
}

/** sd-scripts' `verify_bucket_reso_steps`; without buckets the latent must still be a whole number of cells. */
function checkSteps(model: ModelFacts, { bucketStep }: SdScriptsModel, buckets: BucketSettings): void {
  const { enableBucket, bucketResoSteps, resolution } = buckets;
  if (enableBucket && bucketResoSteps % bucketStep !== 0) {
    refuseSettings(
      `bucket_reso_steps must be a multiple of ${bucketStep} for ${model.title}, got ${bucketResoSteps}`,
      `Use --bucket-reso-steps ${Math.max(1, Math.round(bucketResoSteps / bucketStep)) * bucketStep}.`,
    );
  }
  const { width, height } = resolution;
  if (!enableBucket && (width % model.stride !== 0 || height % model.stride !== 0)) {
    refuseSettings(
      `resolution must be a multiple of ${model.stride} when buckets are off, got ${width},${height}`,
    );
  }
}

const MISTREATED = new Set<Mistreated>([...BY_CONVERT, 'exif-orientation', 'webp-extended']);

/** Arrays besides latents, names, headers and the record. */
const CONTAINER_BYTES = 2048;

class NpzFiles implements CacheFiles {
  readonly folder = '';

  constructor(private readonly naming: CacheNaming) {}

  isCache(name: string): boolean {
    return name.endsWith('.npz');
  }

  /** Whatever their sizes: the trainer would take one's size for the other. */
  identity(imageName: string): string {
    return withoutExtension(imageName);
  }

  conflict(base: string, images: NamedImages): NameConflict | undefined {
    const { naming } = this;
    if (naming.legacyName) {
      if (!base.endsWith(`_${naming.suffix}`)) return undefined;
      return {
        kind: 'name',
        reason: `${base}.npz would look like a new-style cache with a broken name, on which the trainer stops`,
      };
    }
    const sized = naming.readsLegacy ? parseCacheName(`${base}.npz`, naming.suffix) : undefined;
    const size = sized && images.sizesOf(sized.base).at(-1);
    if (sized === undefined || size === undefined) return undefined;
    if (cachePath(`${sized.base}.png`, size, naming) !== `${base}.npz`) return undefined;
    return { kind: 'shadowed', by: sized.base };
  }

  readFirst(imageName: string): string | undefined {
    return this.naming.readsLegacy ? legacyPath(imageName) : undefined;
  }

  inTheWay(cacheName: string, images: NamedImages) {
    return findInTheWay(cacheName, images, this.naming);
  }

  visitTakenSizes(
    folder: string,
    imageNames: readonly string[],
    cacheNames: readonly string[],
    visit: (image: number, size: Size) => void,
  ): void {
    // Old-style names it does not match.
    if (this.naming.legacyName || isPassDisabled(folder)) return;
    const named = cacheNames.filter((name) => name.endsWith(`_${this.naming.suffix}.npz`));
    walkNames(imageNames, named, visit);
  }

  async open(file: string): Promise<StoredCache | undefined> {
    const cache = await readCache(file);
    if (cache === undefined) return undefined;
    const { arrays, bytes, provenance } = cache;
    return {
      bytes: bytes.length,
      crc32: crc32(bytes),
      provenance,
      isOurs: isAllOurs(cache),
      findDifference: (expected) => findDifference(cache, expected),
      holds: (suffix) => ({
        flip: arrays.has(`latents_flipped${suffix}`),
        alpha: arrays.has(`alpha_mask${suffix}`),
      }),
    };
  }

  write = writeNpz;

  overhead({ width, height }: Size, alphaMask: boolean): number {
    return CONTAINER_BYTES + (alphaMask ? width * height * 4 : 0);
  }
}

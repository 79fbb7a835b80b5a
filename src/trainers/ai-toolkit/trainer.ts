/** ai-toolkit, as the pipeline needs it. */
import { cropLtrb } from '../../dataset/geometry.js';
import type { NativeBinding } from '../../native/binding.js';
import { PACKAGE_VERSION } from '../../package-version.js';
import { uprightSize } from '../../pixels/orient.js';
import { BY_CONVERT } from '../mistreated.js';
import { refuseSettings } from '../refuse.js';
import type { TrainerSettings } from '../settings.js';
import {
  findShapeDifference,
  openTensorCache,
  type TensorReading,
  tensorFileOverhead,
  writeTensorCache,
} from '../tensor-files.js';
import type { CacheFiles, Mistreated, StoredCache, Trainer, WriteRequest, WrittenCache } from '../trainer.js';
import { AiToolkitBuckets } from './buckets.js';
import { CACHE_FOLDER, cacheName, fileMetadata, LATENT_KEY, latentTensor, parseCacheName } from './files.js';
import { isImageFolder, isImageName, isSubFolder } from './images.js';
import { type AiToolkitModel, aiToolkitModel } from './models.js';

const MISTREATED = new Set<Mistreated>([...BY_CONVERT]);

/** @throws LatentCacheError `ERR_OPTION` for what the trainer does not do, or would stop on */
export function createAiToolkit(settings: TrainerSettings): Trainer {
  const model = aiToolkitModel(settings.model);
  const { width, height } = settings.buckets.resolution;
  if (width !== height) refuseSettings(`a resolution of ai-toolkit is one number, got ${width},${height}`);
  const buckets = new AiToolkitBuckets({
    resolution: width,
    squareCrop: false,
    divisor: model.bucketDivisor,
  });
  const flips = { flipX: settings.mirrored, flipY: false };
  const files = new AiToolkitFiles(model, flips);
  return {
    format: 'ai-toolkit',
    images: {
      isImage: isImageName,
      captions: null,
      searchesSubFolders: true,
      isSubFolder,
      isImageFolder,
    },
    files,
    values: 'normalised',
    posterior: model.posterior,
    dtypes: ['bfloat16', 'float32', 'float16'],
    takesDtypeOfVae: false,
    keepsFlipped: false,
    keepsMasks: false,
    mirrorsAsImages: true,
    mistreats: MISTREATED,
    listedSize: ({ size, orientation }) => uprightSize(size, orientation),
    place: (name, { size, orientation }) => {
      const upright = uprightSize(size, orientation);
      const { bucket, resized, crop } = buckets.select(upright);
      const geometry = { original: upright, bucket, resized, crop, cropLtrb: cropLtrb(bucket, upright) };
      return {
        geometry,
        resampling: {
          upright: true,
          mirrored: settings.mirrored,
          interpolation: 'pillow-bicubic',
          premultiply: false,
        },
        listed: upright,
        cacheName: cacheName({ fileName: name, geometry, ...files.hashed }),
        keySuffix: '',
      };
    },
  };
}

class AiToolkitFiles implements CacheFiles {
  readonly folder = CACHE_FOLDER;
  /** What else the hash in a name is of. */
  readonly hashed: { readonly flipX: boolean; readonly flipY: boolean; readonly latentSpaceVersion: string };
  private readonly reading: TensorReading = {
    suffixOf: (name) => (name === LATENT_KEY ? '' : undefined),
    findDifference: (cache, { shape }) => findShapeDifference(cache, LATENT_KEY, shape),
    holds: () => ({ flip: false, alpha: false }),
  };

  constructor(model: AiToolkitModel, flips: { readonly flipX: boolean; readonly flipY: boolean }) {
    this.hashed = { ...flips, latentSpaceVersion: model.latentSpaceVersion };
  }

  isCache(name: string): boolean {
    return parseCacheName(name) !== undefined;
  }

  /** The whole name of the image is in the hash, and all else that the trainer looks at: no old file is ever in the way. */
  identity(imageName: string): string {
    return imageName;
  }

  open(file: string): Promise<StoredCache | undefined> {
    return openTensorCache(file, this.reading);
  }

  write(
    { path, imageName, entry, dtype, record }: WriteRequest,
    files: Pick<NativeBinding, 'writeFileAtomic'>,
  ): Promise<WrittenCache> {
    const tensors = [latentTensor(entry.shape, entry.latents, dtype)];
    const item = { fileName: imageName, geometry: entry.geometry, ...this.hashed };
    const metadata = fileMetadata(item, SOFTWARE);
    return writeTensorCache(path, tensors, metadata, new Map([['', record]]), files);
  }

  overhead = tensorFileOverhead;
}

/** What the metadata name as the program that wrote a file. */
export const SOFTWARE = { name: 'latent-cache', repo: '', version: PACKAGE_VERSION };

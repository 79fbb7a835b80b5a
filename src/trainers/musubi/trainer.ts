/** musubi-tuner, as the pipeline needs it. */
import type { TensorFileStructure } from '../../cache/tensor-file.js';
import type { Bucket } from '../../dataset/bucket.js';
import { planGeometry } from '../../dataset/geometry.js';
import { withoutExtension } from '../../dataset/image-names.js';
import type { NativeBinding } from '../../native/binding.js';
import { BY_CONVERT } from '../mistreated.js';
import { refuseSettings } from '../refuse.js';
import { seenSize } from '../seen-size.js';
import type { ControlSettings, TrainerSettings } from '../settings.js';
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
  ControlRules,
  ImageFacts,
  InTheWay,
  Mistreated,
  NamedImages,
  Placement,
  StoredCache,
  Trainer,
  WriteRequest,
  WrittenCache,
} from '../trainer.js';
import { insideBucket, MusubiBuckets } from './buckets.js';
import { controlBucket, matchControls } from './controls.js';
import {
  CONTROL_LATENTS,
  cacheName,
  controlContent,
  controlTensor,
  fileMetadata,
  latentTensor,
  parseCacheName,
} from './files.js';
import { isImageName } from './images.js';
import { type MusubiModel, musubiModel } from './models.js';
import { musubiResize } from './pixels.js';

/** `caption_extension` has no default there; this is what its documentation shows. */
const CAPTION_EXTENSION = '.txt';

const MISTREATED = new Set<Mistreated>([...BY_CONVERT, 'exif-orientation']);

/** @throws LatentCacheError `ERR_OPTION` for what the trainer does not do, or would stop on */
export function createMusubi(settings: TrainerSettings): Trainer {
  const { buckets, captionExtension = CAPTION_EXTENSION, upright } = settings;
  const model = musubiModel(settings.model);
  if (model.control === 'one' && settings.controls === undefined) {
    refuseSettings(
      `musubi-tuner trains ${settings.model.title} on pairs of images, and these images have no control images`,
      'Describe them with --dataset-config: control_directory, or control_path in each line of image_jsonl_file.',
    );
  }
  const selector = new MusubiBuckets({
    resolution: buckets.resolution,
    enableBucket: buckets.enableBucket,
    noUpscale: buckets.bucketNoUpscale,
  });
  return {
    format: 'musubi',
    images: { isImage: isImageName, captions: [captionExtension], searchesSubFolders: false },
    files: new MusubiFiles(model),
    values: model.values,
    posterior: model.posterior,
    dtypes: ['float32', 'bfloat16', 'float16'],
    takesDtypeOfVae: model.dtype === 'vae-file',
    keepsFlipped: false,
    keepsMasks: false,
    mirrorsAsImages: false,
    mistreats: MISTREATED,
    ...(model.control !== 'none' &&
      settings.controls !== undefined && { controls: controlRules(model, settings.controls, upright) }),
    // The trainer takes the size from the name, so that an upright one is as good.
    listedSize: (info) => seenSize(info, upright),
    place: (name, info) => {
      const size = seenSize(info, upright);
      return {
        ...placeInside(selector, info, upright),
        listed: size,
        cacheName: cacheName(withoutExtension(name), size, model.architecture),
        keySuffix: '',
      };
    },
  };
}

/** Control images go the same way as images, into buckets of another choice. */
function placeInside(
  selector: Pick<MusubiBuckets, 'select'>,
  info: ImageFacts,
  upright: boolean,
): Pick<Placement, 'geometry' | 'resampling'> {
  const size = seenSize(info, upright);
  const geometry = planGeometry(selector, size);
  const { interpolation, premultiply } = musubiResize(size, geometry.resized, info.traits.includes('rgba'));
  return { geometry, resampling: { upright, mirrored: false, interpolation, premultiply } };
}

/** `for i in range(... or 1000)` in `dataset/datasources.py`. */
const MOST_CONTROLS = 1000;

function controlRules(model: MusubiModel, settings: ControlSettings, upright: boolean): ControlRules {
  const { noResize, resolution } = settings;
  return {
    most: model.control === 'one' ? 1 : MOST_CONTROLS,
    needed: model.control === 'one',
    key: JSON.stringify([noResize, resolution?.width, resolution?.height]),
    match: matchControls,
    place: (info, bucket: Bucket) =>
      placeInside(
        { select: (size) => insideBucket(size, controlBucket(bucket, size, settings)) },
        info,
        upright,
      ),
  };
}

class MusubiFiles implements CacheFiles {
  readonly folder = '';
  private readonly reading: TensorReading = {
    suffixOf: (name) => (name.startsWith('latents_') ? '' : undefined),
    findDifference: (cache, expected) => this.findDifference(cache, expected),
    holds: () => ({ flip: false, alpha: false }),
  };

  constructor(private readonly model: MusubiModel) {}

  isCache(name: string): boolean {
    return parseCacheName(name, this.model.architecture) !== undefined;
  }

  /** Its caches are told apart by their sizes as well. */
  identity(imageName: string, listed: { width: number; height: number }): string {
    return cacheName(withoutExtension(imageName), listed, this.model.architecture);
  }

  /** The trainer takes every file of its architecture, and the size from its name. */
  inTheWay(name: string, images: NamedImages): InTheWay {
    return findSibling(parseCacheName(name, this.model.architecture), images);
  }

  open(file: string): Promise<StoredCache | undefined> {
    return openTensorCache(file, this.reading);
  }

  write(
    { path, entry, dtype, record }: WriteRequest,
    files: Pick<NativeBinding, 'writeFileAtomic'>,
  ): Promise<WrittenCache> {
    const tensors = [
      latentTensor(this.model, entry.shape, entry.latents, dtype),
      ...(entry.controls ?? []).map(({ shape, latents }, index) =>
        controlTensor(this.model, index, shape, latents, dtype),
      ),
    ];
    const metadata = fileMetadata(this.model, entry.geometry.original);
    return writeTensorCache(path, tensors, metadata, new Map([['', record]]), files);
  }

  overhead = tensorFileOverhead;

  private findDifference(
    cache: TensorFileStructure,
    { shape, geometry, controls }: CacheExpectation,
  ): string | undefined {
    const { original } = geometry;
    const [wide, high] = [cache.metadata.get('width'), cache.metadata.get('height')];
    if (wide !== undefined && (wide !== String(original.width) || high !== String(original.height)))
      return `it says that the image has ${wide}x${high} pixels`;
    // Latents of control images that nobody wants are trained on as well.
    const found = [...cache.tensors.keys()].filter((name) => name.startsWith(CONTROL_LATENTS)).length;
    if (found > controls.length) return `it has latents of ${found} control images, not ${controls.length}`;
    const wanted = [
      { content: 'latents', shape },
      ...controls.map((each, index) => ({ content: controlContent(this.model, index), shape: each })),
    ];
    for (const each of wanted) {
      const difference = this.findTensorDifference(cache, each.content, each.shape);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  private findTensorDifference(
    cache: TensorFileStructure,
    content: string,
    shape: CacheExpectation['shape'],
  ): string | undefined {
    const { keySize, axes } = this.model;
    const [channels, height, width] = shape;
    const start = `${content}_${keySize === 'frames' ? '1x' : ''}${height}x${width}_`;
    const name = [...cache.tensors.keys()].find((each) => each.startsWith(start));
    if (name === undefined) return `it has no ${start}…`;
    return findShapeDifference(cache, name, axes === 'cfhw' ? [channels, 1, height, width] : shape);
  }
}

/** Where a converted cache goes, under which name, and whether its latents are those that the new trainer would make. */
import path from 'node:path';
import type { BucketSettings, Size } from '../dataset/bucket.js';
import { type CropLtrb, cropLtrb, type Geometry } from '../dataset/geometry.js';
import { withoutExtension } from '../dataset/image-names.js';
import type { ImageInfo } from '../dataset/inspect-image.js';
import { sameSize, sizeName } from '../dataset/size.js';
import type { ModelFacts } from '../model/catalog.js';
import type { Interpolation } from '../native/binding.js';
import { uprightSize } from '../pixels/orient.js';
import { cacheName as aiToolkitName, type LatentItem } from '../trainers/ai-toolkit/files.js';
import { AI_TOOLKIT_MODELS } from '../trainers/ai-toolkit/models.js';
import { cacheName as musubiName } from '../trainers/musubi/files.js';
import { musubiModel } from '../trainers/musubi/models.js';
import { cacheName as plainName } from '../trainers/safetensors/files.js';
import { cachePath } from '../trainers/sd-scripts/files.js';
import { sdScriptsModel } from '../trainers/sd-scripts/models.js';
import { listedSize } from '../trainers/sd-scripts/pixels.js';
import type { FormatId } from '../trainers/trainer.js';
import type { ChosenModels } from './choose-model.js';
import { findPixelDifference, framingFor, type PixelPath, resamplingFor } from './framing.js';
import type { ConvertSettings } from './options.js';
import { refuseFile } from './refuse.js';
import { aiToolkitItem, type SourceFile, type SourceLatents } from './source.js';

/** The image of a cache. */
export interface SourceImage {
  readonly name: string;
  readonly info: ImageInfo;
}

export interface PlacedEntry {
  readonly latents: SourceLatents;
  readonly geometry: Geometry;
}

export interface Placed {
  /** Name of the new file in the folder of the trainer's caches. */
  readonly name: string;
  readonly entries: readonly PlacedEntry[];
  /** Whose pixels the latents are of, where the new trainer's would differ. */
  readonly pixelsOf: FormatId | undefined;
  /** What ai-toolkit's metadata say. */
  readonly item: LatentItem | undefined;
  readonly notes: readonly string[];
}

export interface PlaceRequest {
  readonly file: SourceFile;
  readonly latents: readonly SourceLatents[];
  readonly models: ChosenModels;
  readonly image: SourceImage | undefined;
  readonly settings: ConvertSettings;
}

/** @throws LatentCacheError `ERR_CONVERT_*`, `ERR_IMAGE_MISSING`, and what the trainer itself refuses */
export function place(request: PlaceRequest): Placed {
  const { file, models, settings } = request;
  checkMirrored(file, settings.to);
  if (settings.to === 'safetensors')
    return file.format === 'safetensors' ? keepPlace(request) : placePlain(request);
  const isSameRule =
    file.format === settings.to && (file.format !== 'ai-toolkit' || keepsBuckets(file, models));
  return isSameRule ? keepPlace(request) : placeByTrainer(request);
}

function checkMirrored(file: SourceFile, to: FormatId): void {
  const item = aiToolkitItem(file);
  if (to === 'ai-toolkit' || !(item?.flipX || item?.flipY)) return;
  refuseFile(
    'ERR_CONVERT_CONTENT',
    'It holds the latents of the mirrored image alone, which other formats keep beside the straight ones',
    'Convert the cache of the straight image; for mirrored latents, encode with --flip-aug.',
  );
}

/** Models of ai-toolkit have buckets of their own steps. */
function keepsBuckets(file: SourceFile, { target }: ChosenModels): boolean {
  const item = aiToolkitItem(file);
  const source = Object.values(AI_TOOLKIT_MODELS).find(
    ({ latentSpaceVersion }) => latentSpaceVersion === item?.latentSpaceVersion,
  );
  return source !== undefined && source.bucketDivisor === AI_TOOLKIT_MODELS[target.id]?.bucketDivisor;
}

/** Into the same format: image, bucket and pixels stay what they are. */
function keepPlace({ file, latents, models, image, settings }: PlaceRequest): Placed {
  const item = aiToolkitItem(file);
  const entries = latents.map((each): PlacedEntry => {
    const original =
      item === undefined
        ? originalOf(file, each, image)
        : (originalIfKnown(file, each, image) ?? each.bucket);
    return { latents: each, geometry: geometryOf(file, each, original, settings.bucketsFor(models.target)) };
  });
  const { target } = models;
  const version = AI_TOOLKIT_MODELS[target.id]?.latentSpaceVersion;
  const newItem = item && {
    ...item,
    latentSpaceVersion: target.id === models.source.id ? item.latentSpaceVersion : version!,
  };
  const first = entries[0]!;
  const name =
    newItem === undefined
      ? nameFor(file, target, listedOf(file, first, image), settings)
      : aiToolkitName(newItem);
  const pixelsOf = sameRule(file.pixelsOf, settings.to) ? undefined : file.pixelsOf;
  return { name, entries, pixelsOf, item: newItem, notes: [] };
}

/** Our own format holds whatever geometry the latents have. */
function placePlain({ file, latents, models, image, settings }: PlaceRequest): Placed {
  let pixelsOf: FormatId | undefined;
  const entries = latents.map((each): PlacedEntry => {
    const original = originalOf(file, each, image);
    const geometry = geometryOf(file, each, original, settings.bucketsFor(models.target));
    const made = pathOf(file, each, geometry, image);
    const framing = framingFor(original, each.bucket, 'safetensors', settings.bucketsFor(models.target));
    const own = { original, ...framing };
    const wanted = { ...own, ...resamplingFor('safetensors', own, askedOf(each), contentOf(each, image)) };
    if (findPixelDifference(made, wanted, true) !== undefined) pixelsOf = file.pixelsOf;
    return { latents: each, geometry };
  });
  const name = nameFor(file, models.target, entries[0]!.geometry.original, settings);
  return { name, entries, pixelsOf, item: undefined, notes: [] };
}

/** The new trainer says where the image goes; the latents must be of that bucket, and better of those pixels. */
function placeByTrainer({ file, latents, models, image, settings }: PlaceRequest): Placed {
  const { to } = settings;
  const { target } = models;
  if (image === undefined) {
    refuseFile(
      'ERR_IMAGE_MISSING',
      `Its image is not there, and ${to} finds bucket and name of a cache by it`,
      'Say with --image-dir where the images are.',
    );
  }
  const first = latents[0]!;
  const { orientation } = image.info;
  if (to === 'ai-toolkit' && orientation !== 1 && !first.upright) {
    refuseFile(
      'ERR_CONVERT_GEOMETRY',
      'ai-toolkit turns the image upright by its EXIF orientation, and these latents are of the image as it is stored',
      'Encode it again: latent-cache build --format ai-toolkit.',
    );
  }
  const trainer = settings.trainerFor(target, {
    interpolation: askedOf(first),
    upright: first.upright && orientation !== 1,
    alphaMask: first.alphaMask !== undefined,
  });
  const { geometry, resampling, cacheName } = trainer.place(image.name, image.info);
  const fitting = latents.find(({ bucket }) => sameSize(bucket, geometry.bucket));
  if (fitting === undefined) {
    const there = latents.map(({ bucket }) => sizeName(bucket)).join(' and ');
    refuseFile(
      'ERR_CONVERT_GEOMETRY',
      `${to} would use the bucket ${sizeName(geometry.bucket)} for this image, its latents are of ${there}`,
      `Give the --resolution and bucket options that you train with; if they are right, encode it again: latent-cache build --format ${to}.`,
    );
  }
  const original = originalOf(file, fitting, image);
  const made = pathOf(file, fitting, geometryOf(file, fitting, original, settings.bucketsFor(target)), image);
  const wanted = { ...geometry, ...resampling };
  const difference = hasFraming(file, fitting)
    ? findPixelDifference(made, wanted, image.info.traits.includes('rgba'))
    : 'nothing says how the image was scaled and cut';
  if (difference !== undefined && !settings.acceptOtherPixels) {
    refuseFile(
      'ERR_CONVERT_PIXELS',
      `Its bucket is that of ${to}, its pixels are not: ${difference}`,
      `Encode it again (latent-cache build --format ${to}), or take these with --accept-other-pixels.`,
    );
  }
  const notes = [
    ...(difference === undefined ? [] : [`pixels differ from those of ${to}: ${difference}`]),
    ...latents
      .filter((each) => each !== fitting)
      .map(({ bucket }) => `latents of the bucket ${sizeName(bucket)} were left out`),
  ];
  return {
    name: cacheName,
    entries: [{ latents: fitting, geometry }],
    pixelsOf: difference === undefined ? undefined : file.pixelsOf,
    item:
      to === 'ai-toolkit'
        ? {
            fileName: image.name,
            geometry,
            latentSpaceVersion: AI_TOOLKIT_MODELS[target.id]!.latentSpaceVersion,
            flipX: false,
            flipY: false,
          }
        : undefined,
    notes,
  };
}

/** sd-scripts and our own format go the same way from an image to its pixels. */
function sameRule(a: FormatId, b: FormatId): boolean {
  const rule = (format: FormatId) => (format === 'safetensors' ? 'sd-scripts' : format);
  return rule(a) === rule(b);
}

/** Only files of our own format say it of themselves, and may leave it out. */
function hasFraming({ format }: SourceFile, { entry }: SourceLatents): boolean {
  return entry.framing !== undefined || (format !== 'safetensors' && format !== 'ai-toolkit');
}

function geometryOf(
  file: SourceFile,
  { entry, bucket }: SourceLatents,
  original: Size,
  buckets: BucketSettings,
): Geometry {
  const listed = file.name.size ?? original;
  const { resized, crop } = entry.framing ?? framingFor(listed, bucket, file.pixelsOf, buckets);
  // What another program wrote stays as it wrote it.
  const stored = entry.cropLtrb as CropLtrb | undefined;
  return { original, bucket, resized, crop, cropLtrb: stored ?? cropLtrb(bucket, original) };
}

function pathOf(
  file: SourceFile,
  latents: SourceLatents,
  { original, resized, crop }: Geometry,
  image: SourceImage | undefined,
): PixelPath {
  const resampling = resamplingFor(
    file.pixelsOf,
    { original, resized },
    askedOf(latents),
    contentOf(latents, image),
  );
  return { original, resized, crop, ...resampling };
}

/** What a record says that was asked for; it knows the names that sd-scripts has. */
function askedOf({ entry }: SourceLatents): Interpolation | undefined {
  const asked = entry.record?.recipe.interpolation;
  return asked === undefined || asked === 'default' ? undefined : (asked as Interpolation);
}

function contentOf({ alphaMask }: SourceLatents, image: SourceImage | undefined) {
  return { rgba: image?.info.traits.includes('rgba') ?? false, mask: alphaMask !== undefined };
}

function originalIfKnown(
  { format, name }: SourceFile,
  { entry, upright }: SourceLatents,
  image: SourceImage | undefined,
): Size | undefined {
  const { info } = image ?? {};
  const seen = info && (upright ? uprightSize(info.size, info.orientation) : info.size);
  if (format === 'ai-toolkit') return seen;
  return entry.originalSize ?? name.size ?? seen;
}

function originalOf(file: SourceFile, latents: SourceLatents, image: SourceImage | undefined): Size {
  return (
    originalIfKnown(file, latents, image) ??
    refuseFile(
      'ERR_CONVERT_GEOMETRY',
      'Neither the cache nor an image beside it says which size the image had',
      'Say with --image-dir where the images are.',
    )
  );
}

/** The size that the trainer takes the image for, by which its caches are named. */
function listedOf(
  { name }: SourceFile,
  { latents, geometry }: PlacedEntry,
  image: SourceImage | undefined,
): Size {
  if (name.size !== undefined) return name.size;
  if (image === undefined) return geometry.original;
  return listedSize(image.info, { webpSize: 'trainer', upright: latents.upright });
}

function nameFor(file: SourceFile, target: ModelFacts, listed: Size, settings: ConvertSettings): string {
  const { stem } = file.name;
  switch (settings.to) {
    case 'sd-scripts': {
      const { suffix } = sdScriptsModel(target);
      const naming = { suffix: settings.suffix ?? suffix, legacyName: settings.legacyName };
      return cachePath(`${stem}.png`, listed, { ...naming, readsLegacy: false, sizedKeys: false });
    }
    case 'musubi':
      return musubiName(stem, listed, musubiModel(target).architecture);
    default:
      return plainName(stemOf(file), listed, target.id);
  }
}

/** ai-toolkit's metadata name the image; other caches have its name in theirs. */
function stemOf(file: SourceFile): string {
  const fileName = aiToolkitItem(file)?.fileName;
  return fileName === undefined ? file.name.stem : withoutExtension(path.basename(fileName));
}

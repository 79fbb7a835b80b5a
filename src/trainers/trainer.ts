/**
 * What a trainer fixes, as the pipeline needs it: which files are images, what becomes of their pixels, where their
 * caches lie, what is in them and which of them it would accept. One object stands for one trainer, one model and the
 * settings of one data set.
 */
import type { LatentDtype, LatentEntry } from '../cache/latent-entry.js';
import type { ProvenanceRecord } from '../cache/provenance.js';
import type { Bucket, Size } from '../dataset/bucket.js';
import type { ControlFiles } from '../dataset/control-files.js';
import type { Geometry } from '../dataset/geometry.js';
import type { ImageInfo, ImageTrait } from '../dataset/inspect-image.js';
import type { PatchStatistics } from '../model/normalise.js';
import type { Interpolation, NativeBinding } from '../native/binding.js';

export const FORMAT_IDS = ['sd-scripts', 'musubi', 'ai-toolkit', 'safetensors'] as const;
export type FormatId = (typeof FORMAT_IDS)[number];

/** Which files of a folder are its images. */
export interface ImageRules {
  isImage(name: string): boolean;
  /** Endings of caption files: an image without one of them beside it does not count. null: captions do not matter. */
  readonly captions: readonly string[] | null;
  /** Sub-folders are searched although nobody asked for it. */
  readonly searchesSubFolders: boolean;
  /** Whether a sub-folder is searched, where sub-folders are. Default: all but hidden ones. */
  isSubFolder?(name: string, isLink: boolean): boolean;
  /** Whether images directly in a folder of this name count. Default: they do. */
  isImageFolder?(name: string): boolean;
}

/** How the pixels of an image are turned and resized. */
export interface Resampling {
  /** The EXIF orientation is applied first. */
  readonly upright: boolean;
  /** Mirrored before anything is resized or cut. */
  readonly mirrored: boolean;
  readonly interpolation: Interpolation;
  /** Colours are weighted with alpha while they are resized, as Pillow does with RGBA. */
  readonly premultiply: boolean;
}

/** Properties of images that some trainer does not treat as a viewer would. */
export type Mistreated = Exclude<ImageTrait, 'rgba'>;

/** What the header of an image says. */
export type ImageFacts = Pick<ImageInfo, 'size' | 'orientation' | 'traits'>;

/** Where an image goes. */
export interface Placement {
  readonly geometry: Geometry;
  readonly resampling: Resampling;
  /** The size that the trainer takes the image for, by which its cache is named. */
  readonly listed: Size;
  /** Name of its cache in the folder of the caches. */
  readonly cacheName: string;
  /** Behind the names of its arrays, where one file holds several resolutions. */
  readonly keySuffix: string;
}

/** What a cache must hold to be complete: the entry without its numbers. */
export interface CacheExpectation extends Pick<LatentEntry, 'shape' | 'geometry'> {
  readonly keySuffix: string;
  readonly flipAug: boolean;
  readonly alphaMask: boolean;
  /** Shapes of the latents of its control images, in their order; empty: there must be none. */
  readonly controls: readonly LatentEntry['shape'][];
}

/** A cache file that was read and is sound in itself. */
export interface StoredCache {
  readonly bytes: number;
  readonly crc32: number;
  /** By key suffix; empty for files that others wrote. */
  readonly provenance: ReadonlyMap<string, ProvenanceRecord>;
  /** There are latents in it, and all of them are ours. */
  readonly isOurs: boolean;
  /** @returns the first difference in words; undefined when there is none */
  findDifference(expected: CacheExpectation): string | undefined;
  /** Whether the entry of a key suffix has latents of the mirrored image, and a mask. */
  holds(keySuffix: string): { readonly flip: boolean; readonly alpha: boolean };
}

/** A whole cache file as it was written. */
export interface WrittenCache {
  readonly bytes: number;
  readonly crc32: number;
}

export interface WriteRequest {
  readonly path: string;
  /** Name of the image file. */
  readonly imageName: string;
  /** With the values that the trainer stores. */
  readonly entry: LatentEntry;
  readonly keySuffix: string;
  readonly dtype: LatentDtype;
  readonly record: ProvenanceRecord;
  /** Of the VAE, for models whose latents are normalised by them. */
  readonly patchStatistics: PatchStatistics | undefined;
}

/** Whether an existing file is in the way of the cache of an image. */
export type InTheWay =
  | {
      /** The image's name without its extension. */
      readonly base: string;
      /** `shadow`: it is read instead. `sibling`: a cache of the same image for another size. */
      readonly kind: 'shadow' | 'sibling';
    }
  | undefined;

/** Images of one folder by their names without extension. */
export interface NamedImages {
  /** The sizes that the trainer takes the images of a name for; empty when there is none. */
  sizesOf(base: string): readonly Size[];
}

/** Names and contents of one trainer's caches. What is optional, some trainers have no counterpart of. */
export interface CacheFiles {
  /** Below the folder of the images: '' or a name. */
  readonly folder: string;
  /** Whether a name in that folder may be one of its caches, whatever the image. */
  isCache(name: string): boolean;
  /** Images of one folder with equal identities would get into each other's way. */
  identity(imageName: string, listed: Size): string;
  /** Why no image of a name can be cached beside the others, although none shares its identity; missing: there is no such thing. */
  conflict?(base: string, images: NamedImages): NameConflict | undefined;
  /** Name of a file that the trainer would read instead of the cache; undefined, or missing, when there is none. */
  readFirst?(imageName: string): string | undefined;
  inTheWay?(cacheName: string, images: NamedImages): InTheWay;
  /**
   * Tells the size that the trainer takes from the names of caches instead of opening images, where it does so.
   *
   * @param imageNames all image files of one folder, in the order of code points
   * @param visit is told of each image that the trainer finds a name for
   */
  visitTakenSizes?(
    folder: string,
    imageNames: readonly string[],
    cacheNames: readonly string[],
    visit: (image: number, size: Size) => void,
  ): void;
  /**
   * Reads a whole file and checks that it is sound.
   *
   * @returns undefined when there is no such file
   * @throws LatentCacheError `ERR_CACHE_CORRUPT` when it cannot be trusted
   */
  open(file: string): Promise<StoredCache | undefined>;
  /** Writes one image's cache, whole or not at all. */
  write(request: WriteRequest, files: Pick<NativeBinding, 'writeFileAtomic'>): Promise<WrittenCache>;
  /** Bytes of a file besides its latents, before masks are compressed. */
  overhead(bucket: Bucket, alphaMask: boolean): number;
}

export type NameConflict =
  /** The cache of another name would be read for it. */
  | { readonly kind: 'shadowed'; readonly by: string }
  /** A sentence about the name itself. */
  | { readonly kind: 'name'; readonly reason: string };

/** Control images of a data set, whose latents stand in an image's cache beside its own. */
export interface ControlRules {
  /** So many of an image's control images are used; further ones are not looked at. */
  readonly most: number;
  /** An image without any cannot be used. */
  readonly needed: boolean;
  /** Differs where `place` differs. */
  readonly key: string;
  /**
   * @param images names of a data set's images, in the order of code points
   * @param names all names in the folder of its control images
   * @returns for each image the names of its control images
   */
  match(images: readonly string[], names: readonly string[]): ReadonlyMap<string, ControlFiles>;
  /**
   * @param info of a control image
   * @param bucket of the image that it belongs to
   * @throws LatentCacheError `ERR_CONTROL_IMAGE`
   */
  place(info: ImageFacts, bucket: Bucket): Pick<Placement, 'geometry' | 'resampling'>;
}

export interface Trainer {
  readonly format: FormatId;
  readonly images: ImageRules;
  readonly files: CacheFiles;
  /** What it stores: what the encoder gives, or what the network takes. */
  readonly values: 'raw' | 'normalised';
  /** What it would store of the distribution. */
  readonly posterior: 'mean' | 'sample';
  /** What it reads; the first is what it writes itself. */
  readonly dtypes: readonly [preferred: LatentDtype, ...others: LatentDtype[]];
  /** It stores what the weights in the VAE's file are instead, where that is one of these. */
  readonly takesDtypeOfVae: boolean;
  /** What the user should know of these settings, a sentence. */
  readonly caveat?: string;
  /** It has a place for latents of the mirrored image in the same file, and one for masks. */
  readonly keepsFlipped: boolean;
  readonly keepsMasks: boolean;
  /** Each mirrored image is an image of its own, with a file of its own. */
  readonly mirrorsAsImages: boolean;
  /** Properties of images with which it does not do what a viewer would: the user is told. */
  readonly mistreats: ReadonlySet<Mistreated>;
  /** undefined: its caches have no latents of control images. */
  readonly controls?: ControlRules;
  /** The size that it takes an image for, unless the data set says another. */
  listedSize(info: ImageFacts): Size;
  /**
   * Finds the place of an image whose header was read.
   *
   * @param name of the image file
   * @param listed the size that the data set says it has
   * @throws LatentCacheError `ERR_IMAGE_TOO_SMALL`
   */
  place(name: string, info: ImageFacts, listed?: Size): Placement;
}

/** What a trainer's own description of its data sets comes to. */
import type { Size } from '../bucket.js';
import type { InterpolationName } from '../interpolation-names.js';

/** What the description sets, by the names that `BuildOptions` has; what it leaves open is absent. */
export interface DatasetSettings {
  readonly resolution?: Size;
  readonly enableBucket?: boolean;
  readonly minBucketReso?: number;
  readonly maxBucketReso?: number;
  readonly bucketResoSteps?: number;
  readonly bucketNoUpscale?: boolean;
  readonly flipAug?: boolean;
  readonly alphaMask?: boolean;
  readonly resizeInterpolation?: InterpolationName;
}

/** One image that a list names. */
export interface ListedImage {
  /** Name in the folder. sd-scripts' own tools leave the extension out; `matchListedImages` finds the file. */
  readonly name: string;
  /** Pixels by the list: the trainer chooses bucket and cache name by it, without opening the image. */
  readonly size?: Size;
  /** musubi: paths of the control images, in the order of their numbers. */
  readonly controls?: readonly string[];
  /** musubi with `multiple_target`: paths of the further targets (the layers), in the order of their numbers. */
  readonly targets?: readonly string[];
}

/** One folder under one set of settings. A subset whose list names several folders becomes several sources. */
export interface ConfiguredSource {
  /** Where it is described: `datasets[1].subsets[0]`. */
  readonly place: string;
  /** As written: a relative path counts from the current folder, as for the trainer. */
  readonly imageDir: string;
  /** The images that belong to it; absent: all of the folder. */
  readonly images?: readonly ListedImage[];
  /** No trainer reads sub-folders. */
  readonly recursive: false;
  readonly settings: DatasetSettings;
  /** musubi: images without a caption file of this extension do not belong to it. */
  readonly captionExtension?: string;
  /** musubi: where its caches go. */
  readonly cacheDirectory?: string;
  /** musubi: folder of control images, which models that edit images need in the cache. */
  readonly controlDirectory?: string;
  readonly noResizeControl?: boolean;
  readonly controlResolution?: Size;
  /** musubi: each image has further targets (`multiple_target`, Qwen-Image-Layered). */
  readonly multipleTarget?: boolean;
}

/** A key by its name and by its full place. */
export interface ConfigKey {
  readonly key: string;
  /** `datasets[1].subsets[0].keep_tokens`; in a list of images `metadata.json: train_resolution`. */
  readonly place: string;
  /** Where the key belongs, when it is a known one in the wrong place. */
  readonly hint?: string;
}

export interface DatasetConfig {
  readonly trainer: 'sd-scripts' | 'musubi';
  readonly sources: readonly ConfiguredSource[];
  /** Known to the trainer, and without effect on latents. */
  readonly ignored: readonly ConfigKey[];
  /** Unknown to the trainer, which stops on each of them. */
  readonly unknown: readonly ConfigKey[];
  /** Full sentences. */
  readonly warnings: readonly string[];
}

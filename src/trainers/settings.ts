import type { BucketSettings, Size } from '../dataset/bucket.js';
import type { ModelFacts } from '../model/catalog.js';
import type { Interpolation } from '../native/binding.js';

/** The settings of one data set; each trainer takes what it has. */
export interface TrainerSettings {
  readonly model: ModelFacts;
  readonly buckets: BucketSettings;
  /** undefined: the trainer's own rule. */
  readonly interpolation: Interpolation | undefined;
  /** File name suffix instead of the model's own. */
  readonly suffix: string | undefined;
  readonly legacyName: boolean;
  /** Files are to hold several resolutions. */
  readonly multiResolutionKeys: boolean;
  readonly webpSize: 'trainer' | 'decoded';
  /** Masks are asked for; the trainer may have no place for them. */
  readonly alphaMask: boolean;
  /** EXIF orientation is applied although the trainer ignores it. */
  readonly upright: boolean;
  /** The images are mirrored ones. */
  readonly mirrored: boolean;
  /** Ending of caption files; undefined: the trainer's own. */
  readonly captionExtension: string | undefined;
  /** The data set has control images; absent: it has none. */
  readonly controls?: ControlSettings | undefined;
}

/** By which control images get their sizes. */
export interface ControlSettings {
  /** `no_resize_control`: they keep their own sizes. */
  readonly noResize: boolean;
  /** `control_resolution`: they have buckets of their own; with `noResize`, only those with more pixels. */
  readonly resolution: Size | undefined;
}

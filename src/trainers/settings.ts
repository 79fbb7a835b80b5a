import type { BucketSettings } from '../dataset/bucket.js';
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
}

/** The options that sd-scripts' ConfigSanitizer takes, by the place where it takes them. */
import { BOOLEAN, FLOAT, INTEGER, LIST, NUMBER, PATH, SIZE, STRING, TABLE, TWO_FLOATS } from './kinds.js';
import type { Schema } from './sections.js';

const DATASET: Schema = {
  batch_size: INTEGER,
  bucket_no_upscale: BOOLEAN,
  bucket_reso_steps: INTEGER,
  enable_bucket: BOOLEAN,
  max_bucket_reso: INTEGER,
  min_bucket_reso: INTEGER,
  validation_seed: INTEGER,
  validation_split: FLOAT,
  resolution: SIZE,
  network_multiplier: FLOAT,
  resize_interpolation: STRING,
};

/** For subsets; a data set or [general] may set them for all of theirs. */
const SUBSET: Schema = {
  color_aug: BOOLEAN,
  face_crop_aug_range: TWO_FLOATS,
  flip_aug: BOOLEAN,
  num_repeats: INTEGER,
  random_crop: BOOLEAN,
  shuffle_caption: BOOLEAN,
  keep_tokens: INTEGER,
  keep_tokens_separator: STRING,
  secondary_separator: STRING,
  caption_separator: STRING,
  enable_wildcard: BOOLEAN,
  token_warmup_min: INTEGER,
  token_warmup_step: NUMBER,
  caption_prefix: STRING,
  caption_suffix: STRING,
  custom_attributes: TABLE,
  resize_interpolation: STRING,
  caption_dropout_every_n_epochs: INTEGER,
  caption_dropout_rate: NUMBER,
  caption_tag_dropout_rate: NUMBER,
};

const CONTROLNET: Schema = { caption_extension: STRING, cache_info: BOOLEAN };
const DREAMBOOTH: Schema = { ...CONTROLNET, class_tokens: STRING };

export type SubsetKind = 'dreambooth' | 'finetuning' | 'controlnet';

export const TOP: Schema = { general: TABLE, datasets: LIST };

export const GENERAL: Schema = { ...DATASET, ...SUBSET, ...DREAMBOOTH };

export const DATASETS: Readonly<Record<SubsetKind, Schema>> = {
  dreambooth: { ...DATASET, ...SUBSET, ...DREAMBOOTH, subsets: LIST },
  finetuning: { ...DATASET, ...SUBSET, subsets: LIST },
  controlnet: { ...DATASET, ...SUBSET, ...CONTROLNET, subsets: LIST },
};

export const SUBSETS: Readonly<Record<SubsetKind, Schema>> = {
  dreambooth: { ...SUBSET, ...DREAMBOOTH, image_dir: PATH, is_reg: BOOLEAN, alpha_mask: BOOLEAN },
  finetuning: { ...SUBSET, image_dir: PATH, metadata_file: PATH, alpha_mask: BOOLEAN },
  controlnet: { ...SUBSET, ...CONTROLNET, image_dir: PATH, conditioning_data_dir: PATH },
};

/** The options that decide which images are encoded and how. All others are ignored. */
export const USED: ReadonlySet<string> = new Set([
  'general',
  'datasets',
  'subsets',
  'image_dir',
  'metadata_file',
  'conditioning_data_dir',
  'cache_info',
  'resolution',
  'enable_bucket',
  'min_bucket_reso',
  'max_bucket_reso',
  'bucket_reso_steps',
  'bucket_no_upscale',
  'flip_aug',
  'alpha_mask',
  'resize_interpolation',
  'color_aug',
  'random_crop',
]);

/** Where a known option belongs. */
export function homeOf(key: string): string | undefined {
  if (Object.hasOwn(DATASET, key)) return 'it belongs in [general] or [[datasets]]';
  const kinds = Object.entries(SUBSETS).filter(([, schema]) => Object.hasOwn(schema, key));
  if (kinds.length === 0) return undefined;
  const all = kinds.length === Object.keys(SUBSETS).length;
  return `it belongs in [[datasets.subsets]]${all ? '' : ` (${kinds.map(([kind]) => kind).join(', ')})`}`;
}

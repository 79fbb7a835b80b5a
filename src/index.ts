/** The public API: everything that a program may use. */
export type { LatentDtype } from './cache/sd-scripts.js';
export type { Bucket, BucketChoice, BucketSettings, Size } from './dataset/bucket.js';
export { BUCKET_DEFAULTS, BucketSelector } from './dataset/bucket.js';
export { type CropLtrb, type Geometry, planGeometry } from './dataset/geometry.js';
export type { EncodeOptions, Encoder, EncoderInfo, ImageBatch, Moments } from './encoder/encoder.js';
export { type CreateEncoderOptions, createEncoder, type SelectedEncoder } from './encoder/select.js';
export { ERROR_CODES, type ErrorCode, LatentCacheError } from './errors.js';
export { MODEL_IDS, MODELS, type ModelFacts, type ModelId } from './model/catalog.js';
export { type LoadVaeOptions, loadVae, type VaeEncoderWeights } from './model/load-vae.js';
export type { Interpolation, NativeBinding, TransformOptions, TransformTarget } from './native/binding.js';
export { loadBinding } from './native/load.js';
export { buildCache } from './pipeline/build-cache.js';
export type * from './pipeline/events.js';
export type { BuildOptions } from './pipeline/options.js';

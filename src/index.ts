/** The public API: everything that a program may use. */
export {
  type ComparedFact,
  type ComparedFigure,
  type CompareOptions,
  type Comparison,
  compareReports,
  type Difference,
  findDifferences,
} from './bench/compare-reports.js';
export type { BenchOptions } from './bench/options.js';
export { readReportFile, validateReport } from './bench/read-report.js';
export { type ComparisonFormat, renderComparison } from './bench/render-comparison.js';
export type {
  BenchReport,
  BenchWarning,
  ComputeBound,
  Distribution,
  Evidence,
  Figure,
  Parity,
} from './bench/report.js';
export { runBench } from './bench/run-bench.js';
export type { LatentDtype } from './cache/latent-entry.js';
export type { Bucket, BucketChoice, BucketSettings, Size } from './dataset/bucket.js';
export { BUCKET_DEFAULTS, BucketSelector } from './dataset/bucket.js';
export { type CropLtrb, type Geometry, planGeometry } from './dataset/geometry.js';
export type {
  CheckId,
  CheckResult,
  CheckStatus,
  DoctorReport,
  Fix,
  Remedy,
  Verdict,
} from './doctor/report.js';
export { type DoctorOptions, runDoctor } from './doctor/run-doctor.js';
export type {
  EncodeOptions,
  Encoder,
  EncoderInfo,
  EncoderMemory,
  HeldMemory,
  ImageBatch,
  Moments,
  PlannedSize,
  PreparationProgress,
  PrepareOptions,
  SampleImage,
} from './encoder/encoder.js';
export { type LoadEncoderOptions, loadEncoder } from './encoder/load-encoder.js';
export type { VramBudget } from './encoder/memory-budget.js';
export { createOnednnEncoder, type OnednnOptions } from './encoder/onednn/create-encoder.js';
export type { OnednnEncoder } from './encoder/onednn/onednn-encoder.js';
export type { Accuracy } from './encoder/onednn/precision.js';
export type { PrecisionName } from './encoder/precision-names.js';
export type { RunNeeds } from './encoder/run-needs.js';
export { type CreateEncoderOptions, createEncoder, type SelectedEncoder } from './encoder/select.js';
export { buildEngine, type EngineBuildOptions } from './encoder/tensorrt/build-engine.js';
export { createTensorrtEncoder, type TensorrtOptions } from './encoder/tensorrt/create-encoder.js';
export { cudaMemGetInfo, type DeviceQueryOptions, listDevices } from './encoder/tensorrt/devices.js';
export { EngineCache, type EngineCacheOptions, type EngineListing } from './encoder/tensorrt/engine-cache.js';
export type { TensorrtEncoder } from './encoder/tensorrt/tensorrt-encoder.js';
export { ERROR_CODES, type ErrorCode, LatentCacheError } from './errors.js';
export type { MemoryAction, MemoryEvent } from './memory/events.js';
export type { MemoryReport } from './memory/governor.js';
export type { BatchSpan, BucketHistory } from './memory/history.js';
export { MODEL_IDS, MODELS, type ModelFacts, type ModelId } from './model/catalog.js';
export { type RecognisedModel, recogniseModel } from './model/examine.js';
export { type LoadVaeOptions, loadVae, type VaeEncoderWeights } from './model/load-vae.js';
export {
  type LatentShape,
  normaliseLatent,
  type PatchStatistics,
  rawLatent,
  type ShapedLatent,
} from './model/normalise.js';
export type {
  CudaDevice,
  DeviceMemory,
  Interpolation,
  NativeBinding,
  RunMemory,
  TransformOptions,
  TransformTarget,
} from './native/binding.js';
export { loadBinding } from './native/load.js';
export { buildCache } from './pipeline/build-cache.js';
export type {
  BatchesEvent,
  BucketCount,
  BuildEvent,
  EncodedEvent,
  EncoderEvent,
  EngineEvent,
  FailedEvent,
  NoticeCode,
  NoticeEvent,
  PlanEvent,
  ProgressEvent,
  SummaryEvent,
  SurveyEvent,
} from './pipeline/events.js';
export { type IndexOptions, type IndexSummary, indexCaches } from './pipeline/index-caches.js';
export type { BuildOptions, LentEncoder } from './pipeline/options.js';
export {
  type DatasetPlan,
  type DatasetPlanOptions,
  type PlannedBucket,
  type PlannedTime,
  planDataset,
} from './plan/plan-dataset.js';
export type { PlanTarget } from './plan/plan-device.js';
export type { FailureCode, SelftestCode } from './selftest/failure.js';
export { formatReport } from './selftest/format-report.js';
export type { SelftestDevice, SelftestOptions } from './selftest/options.js';
export type {
  Figures,
  SelftestCheck,
  SelftestEvent,
  SelftestMode,
  SelftestReport,
  SelftestStatus,
  SelftestVerdict,
} from './selftest/report.js';
export { runSelftest } from './selftest/run-selftest.js';
export type { VerifyOptions } from './verify/options.js';
export {
  type OkResult,
  PROBLEM_CODES,
  type ProblemCode,
  type ProblemResult,
  type VerifyEvent,
  type VerifySummary,
} from './verify/results.js';
export { verifyCaches } from './verify/verify-caches.js';

import type { LatentDtype } from '../cache/latent-entry.js';
import type { BucketSettings } from '../dataset/bucket.js';
import { MODELS, type ModelFacts, type ModelId } from '../model/catalog.js';
import { loadVae, type VaeEncoderWeights } from '../model/load-vae.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import { oneOf, refuse } from '../pipeline/option-values.js';
import { type BuildOptions, CHOICES, type Resolution } from '../pipeline/options.js';
import { bucketSettings, toSize } from '../pipeline/targets.js';
import { checkUsed } from '../pipeline/used-options.js';
import { createTrainer } from '../trainers/create-trainer.js';
import type { TrainerSettings } from '../trainers/settings.js';
import type { FormatId, Trainer } from '../trainers/trainer.js';

/** What describes the data set, as given to `build`. */
type DatasetOptions = Pick<
  BuildOptions,
  | 'enableBucket'
  | 'minBucketReso'
  | 'maxBucketReso'
  | 'bucketResoSteps'
  | 'bucketNoUpscale'
  | 'suffix'
  | 'legacyName'
  | 'multiResolutionKeys'
>;

/** What `convertCaches` takes. */
export interface ConvertOptions extends DatasetOptions {
  /** Folders, whose caches are found by their names, and cache files. */
  readonly inputs: readonly string[];
  readonly to: FormatId;
  /** Of folders, only caches of this format. Default: of every other than `to`. */
  readonly from?: FormatId;
  /** What the new caches are for. Default: what the old ones are for. */
  readonly model?: ModelId;
  /** The VAE that the new model has: caches of another are refused. FLUX.2 needs it for raw latents. */
  readonly vae?: string;
  /** Of the stored latents. Default: as they are; float32 where the format does not have that. */
  readonly dtype?: LatentDtype;
  /** One number, or width and height: of the bucket that the other trainer computes. Default: the model's own. */
  readonly resolution?: Resolution;
  readonly recursive?: boolean;
  /** Where the images are. Default: beside the caches. */
  readonly imageDir?: string;
  /** Where the new caches go. Default: where the trainer looks for them, by the images. */
  readonly outDir?: string;
  /** Convert latents whose pixels the other trainer would have scaled, cut or resampled in another way. */
  readonly acceptOtherPixels?: boolean;
  /** Move files of other programs that are in the way to `{name}.stale`, instead of refusing. */
  readonly force?: boolean;
  /** Say what would be done; nothing is written. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly binding?: NativeBinding;
}

export interface ConvertSettings {
  readonly to: FormatId;
  readonly from: FormatId | undefined;
  readonly model: ModelFacts | undefined;
  readonly vae: Pick<VaeEncoderWeights, 'fingerprint' | 'patchStatistics'> | undefined;
  readonly dtype: LatentDtype | undefined;
  readonly recursive: boolean;
  readonly imageDir: string | undefined;
  readonly outDir: string | undefined;
  readonly acceptOtherPixels: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly suffix: string | undefined;
  readonly legacyName: boolean;
  readonly multiResolutionKeys: boolean;
  readonly binding: NativeBinding;
  /** Of the data set, for a model whose own resolution it has where none was given. */
  bucketsFor(model: ModelFacts): BucketSettings;
  /** The trainer that the new caches are for. */
  trainerFor(
    model: ModelFacts,
    image: Pick<TrainerSettings, 'interpolation' | 'upright' | 'alphaMask'>,
  ): Trainer;
}

/** @throws LatentCacheError `ERR_OPTION`, and what `loadVae` throws */
export async function resolveConvertOptions(options: ConvertOptions): Promise<ConvertSettings> {
  const { inputs, model, vae, signal, resolution, suffix } = options;
  if (inputs.length === 0) refuse('folders or files with caches are needed');
  const to = oneOf('to', options.to, CHOICES.format);
  const from = options.from === undefined ? undefined : oneOf('from', options.from, CHOICES.format);
  if (vae !== undefined && model === undefined) refuse('vae needs model', 'Add --model, flux2 for instance.');
  const facts = model === undefined ? undefined : MODELS[oneOf('model', model, CHOICES.model)];
  const dtype = options.dtype === undefined ? undefined : oneOf('dtype', options.dtype, CHOICES.dtype);
  if (to === 'sd-scripts' && dtype === 'bfloat16')
    refuse('sd-scripts stores float32 or float16, not bfloat16');
  // They are of the data set, which was another trainer's before.
  checkUsed(options, [to, from ?? 'sd-scripts']);
  const legacyName = options.legacyName ?? false;
  const multiResolutionKeys = options.multiResolutionKeys ?? false;
  const bucketsFor = ({ nativeResolution }: ModelFacts) =>
    bucketSettings(toSize(resolution ?? nativeResolution), options);
  const trainerFor: ConvertSettings['trainerFor'] = (each, image) =>
    createTrainer(to, {
      ...image,
      model: each,
      buckets: bucketsFor(each),
      suffix,
      legacyName,
      multiResolutionKeys,
      webpSize: 'trainer',
      mirrored: false,
      captionExtension: undefined,
    });
  // The checks of a build, before anything is read.
  if (facts !== undefined) trainerFor(facts, { interpolation: undefined, upright: false, alphaMask: false });
  return {
    to,
    from,
    model: facts,
    vae:
      vae === undefined || facts === undefined
        ? undefined
        : await loadVae(vae, { model: facts.id, ...(signal && { signal }) }),
    dtype,
    recursive: options.recursive ?? false,
    imageDir: options.imageDir,
    outDir: options.outDir,
    acceptOtherPixels: options.acceptOtherPixels ?? false,
    force: options.force ?? false,
    dryRun: options.dryRun ?? false,
    suffix,
    legacyName,
    multiResolutionKeys,
    binding: options.binding ?? loadBinding(),
    bucketsFor,
    trainerFor,
  };
}

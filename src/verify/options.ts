import type { Bucket, Size } from '../dataset/bucket.js';
import type { ImageInfo } from '../dataset/inspect-image.js';
import { LatentCacheError } from '../errors.js';
import type { ModelFacts, ModelId } from '../model/catalog.js';
import { loadVae } from '../model/load-vae.js';
import type { NativeBinding } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import type { BuildOptions } from '../pipeline/options.js';
import { recordedFingerprint } from '../pipeline/recipe.js';
import { resolveOptions } from '../pipeline/resolve-options.js';
import { resolveModel } from '../pipeline/run-model.js';
import { LEGACY_MODELS, sdScriptsModel, sdScriptsModels } from '../trainers/sd-scripts/models.js';
import { parseSubset, type Subset } from './subset.js';

type GeometryOptions = Pick<
  BuildOptions,
  | 'enableBucket'
  | 'minBucketReso'
  | 'maxBucketReso'
  | 'bucketResoSteps'
  | 'bucketNoUpscale'
  | 'flipAug'
  | 'alphaMask'
>;

/** What `verifyCaches` takes. What is not given is not compared; names are those of `BuildOptions`. */
export interface VerifyOptions extends GeometryOptions {
  /** Folders with images. */
  readonly inputs: readonly string[];
  readonly recursive?: boolean;
  /** Where the caches are, when they are not beside the images. */
  readonly outDir?: string;
  /** Only caches for this model, and the old names that fit all. Default: the VAE's, if one is given. */
  readonly model?: ModelId;
  /** File name suffix instead of the models' own. */
  readonly suffix?: string;
  /** The VAE that every cache of ours must be made with; `model` where its file does not tell it. */
  readonly vae?: string;
  /** The size that latents must have; needs `model` or `vae`. The bucket options count only beside it. */
  readonly resolution?: number | Size;
  /** Read all data: CRC, finite values, and whether the image is still the same to the byte. */
  readonly readData?: boolean;
  /** The same for some of the files: `10%`, or `1/7` to `7/7` in turn. */
  readonly readDataSubset?: string;
  /** Remove files of ours that are wrong by themselves or against their image, so that the next build makes them. */
  readonly repair?: boolean;
  readonly signal?: AbortSignal;
  readonly binding?: NativeBinding;
}

/** A kind of cache by its name, and what that says. */
export interface NamedKind {
  readonly suffix: string;
  readonly models: readonly ModelFacts[];
}

export interface VerifySettings {
  readonly inputs: readonly string[];
  readonly recursive: boolean;
  readonly outDir: string | undefined;
  readonly kinds: readonly NamedKind[];
  /** What a cache with the old name may be for. */
  readonly legacyModels: readonly ModelFacts[];
  readonly vaeFingerprint: string | undefined;
  /** The bucket that the options of this call ask for; undefined when they ask for none. */
  readonly bucketOf: ((info: ImageInfo, listed: Size) => Bucket) | undefined;
  readonly flipAug: boolean;
  readonly alphaMask: boolean;
  readonly readsData: Subset;
  readonly repair: boolean;
  readonly binding: NativeBinding;
}

/** @throws LatentCacheError `ERR_OPTION`, and what `loadVae` throws */
export async function resolveVerifyOptions(options: VerifyOptions): Promise<VerifySettings> {
  const { inputs, suffix, vae, resolution, signal } = options;
  if (resolution !== undefined && options.model === undefined && vae === undefined)
    refuse('resolution needs model', 'Add --model, sdxl for instance.');
  for (const name of GEOMETRY_FLAGS) {
    if (options[name] !== undefined && resolution === undefined)
      refuse(`${name} needs resolution`, 'Give the --resolution of the build.');
  }
  if (options.readData && options.readDataSubset !== undefined)
    refuse('read_data and read_data_subset exclude each other');
  const asked = options.model ?? vae;
  const id = asked === undefined ? undefined : (await resolveModel(options)).model.id;
  // The same checks as for a build; of the result, what a model stands for does not matter without one.
  const {
    targets: [build],
  } = await resolveOptions({
    ...geometryOf(options),
    inputs,
    model: id ?? 'sd',
    ...(suffix === undefined ? {} : { suffix }),
    ...(options.outDir === undefined ? {} : { outDir: options.outDir }),
  });
  const models = id === undefined ? sdScriptsModels() : [build.model];
  const kinds = suffix === undefined ? kindsOf(models) : [{ suffix, models }];
  return {
    inputs,
    recursive: options.recursive ?? false,
    outDir: options.outDir,
    kinds,
    legacyModels: models.filter(({ id: each }) => LEGACY_MODELS.has(each)),
    vaeFingerprint:
      vae === undefined
        ? undefined
        : recordedFingerprint(await loadVae(vae, { model: build.model.id, ...(signal && { signal }) })),
    bucketOf:
      resolution === undefined
        ? undefined
        : (info, listed) => build.trainer.place('image.png', info, listed).geometry.bucket,
    flipAug: build.flipAug,
    alphaMask: build.alphaMask,
    readsData: subsetOf(options),
    repair: options.repair ?? false,
    binding: options.binding ?? loadBinding(),
  };
}

/** Models that share a suffix share their caches. */
function kindsOf(models: readonly ModelFacts[]): NamedKind[] {
  const kinds = new Map<string, ModelFacts[]>();
  for (const model of models) {
    const { suffix } = sdScriptsModel(model);
    kinds.set(suffix, [...(kinds.get(suffix) ?? []), model]);
  }
  return [...kinds].map(([suffix, sharing]) => ({ suffix, models: sharing }));
}

const GEOMETRY_FLAGS = [
  'enableBucket',
  'minBucketReso',
  'maxBucketReso',
  'bucketResoSteps',
  'bucketNoUpscale',
  'flipAug',
  'alphaMask',
] as const satisfies readonly (keyof GeometryOptions)[];

function geometryOf(options: VerifyOptions): Pick<BuildOptions, keyof GeometryOptions | 'resolution'> {
  const given = (['resolution', ...GEOMETRY_FLAGS] as const).filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, options[name]]));
}

function subsetOf({ readData, readDataSubset }: VerifyOptions): Subset {
  if (readDataSubset !== undefined) return parseSubset(readDataSubset);
  return () => readData ?? false;
}

function refuse(message: string, remedy?: string): never {
  throw new LatentCacheError('ERR_OPTION', message, { remedy });
}

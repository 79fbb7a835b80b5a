/** The options of a run, with the trainer's own description of its data sets where that is given. */
import { readDatasetConfig, readMetadataSource } from '../dataset/config/read-dataset-config.js';
import { readTrainDataDir } from '../dataset/config/train-data-dir.js';
import type { ConfigKey, ConfiguredSource, DatasetConfig } from '../dataset/config/types.js';
import type { NoticeEvent } from './events.js';
import { refuse } from './option-values.js';
import { type BuildOptions, checkTypes, resolveRun, type Source, type Target } from './options.js';
import { resolveModel } from './run-model.js';
import { createTargets } from './targets.js';

export interface ResolvedOptions {
  readonly targets: readonly [Target, ...Target[]];
  /** What the user should know of the description, and of the model where none was said. */
  readonly notices: readonly NoticeEvent[];
}

/** @throws LatentCacheError `ERR_OPTION`, `ERR_DATASET_CONFIG`, `ERR_NO_INPUT`; without `model` also `ERR_MODEL_*` */
export async function resolveOptions(options: BuildOptions): Promise<ResolvedOptions> {
  checkTypes(options);
  checkWays(options);
  const { model, notices } = await resolveModel(options);
  const run = resolveRun(options, model);
  const { inputs = [], datasetConfig, trainDataDir, inJson } = options;
  if (inputs.length > 0) {
    const targets = createTargets(run, options, [{ inputs }], 'sd-scripts');
    return { targets, notices: [...notices, ...caveatsOf(targets)] };
  }
  const config = await readConfig(options);
  const paired = new Set(config.sources.filter(hasControls).map(({ place }) => place));
  const sources = config.sources.map((source) => sourceOf(source, paired.has(source.place)));
  const targets = createTargets(run, options, sources, config.trainer);
  const said = noticesOf(config, datasetConfig ?? inJson ?? trainDataDir!);
  return { targets, notices: [...notices, ...said, ...caveatsOf(targets)] };
}

/** Each caveat once. */
function caveatsOf(targets: readonly Target[]): NoticeEvent[] {
  const caveats = new Map(targets.map(({ trainer, inputs }) => [trainer.caveat, inputs]));
  return [...caveats].flatMap(([message, paths]) =>
    message === undefined ? [] : [{ type: 'notice', code: 'trainer-caveat', message, count: 1, paths }],
  );
}

/** Of the ways to say which images, one alone. */
function checkWays({ inputs = [], datasetConfig, trainDataDir, inJson }: BuildOptions): void {
  const ways = [inputs.length > 0, datasetConfig !== undefined, trainDataDir !== undefined];
  if (ways.filter(Boolean).length !== 1) {
    refuse(
      'image folders, dataset_config or train_data_dir are needed, and one of them alone',
      'Name the folder that holds the images.',
    );
  }
  if (inJson !== undefined && trainDataDir === undefined) refuse('in_json needs train_data_dir');
}

function readConfig({ datasetConfig, trainDataDir, inJson }: BuildOptions): Promise<DatasetConfig> {
  if (datasetConfig !== undefined) return readDatasetConfig(datasetConfig);
  return inJson === undefined ? readTrainDataDir(trainDataDir!) : readMetadataSource(inJson, trainDataDir);
}

/** One image with control images makes a list a data set of pairs, in all of its folders. */
function hasControls({ controlDirectory, images = [] }: ConfiguredSource): boolean {
  return controlDirectory !== undefined || images.some(({ controls = [] }) => controls.length > 0);
}

function sourceOf(source: ConfiguredSource, isPaired: boolean): Source {
  const { imageDir, images, settings, captionExtension, cacheDirectory, recursive } = source;
  const { controlDirectory, noResizeControl = false, controlResolution } = source;
  return {
    inputs: [imageDir],
    images,
    settings,
    captionExtension,
    outDir: cacheDirectory,
    recursive,
    controls: isPaired
      ? { directory: controlDirectory, noResize: noResizeControl, resolution: controlResolution }
      : undefined,
  };
}

function noticesOf({ ignored, unknown, warnings }: DatasetConfig, file: string): NoticeEvent[] {
  const notice = (message: string): NoticeEvent => ({
    type: 'notice',
    code: 'dataset-config',
    message,
    count: 1,
    paths: [file],
  });
  const list = (keys: readonly ConfigKey[]) =>
    [...new Set(keys.map(({ key, place, hint }) => (hint === undefined ? key : `${place} (${hint})`)))].join(
      ', ',
    );
  return [
    ...warnings.map(notice),
    ...(unknown.length === 0
      ? []
      : [
          notice(
            `the trainer does not know, and would stop on: ${unknown.map(({ place }) => place).join(', ')}`,
          ),
        ]),
    ...(ignored.length === 0 ? [] : [notice(`without effect on latents: ${list(ignored)}`)]),
  ];
}

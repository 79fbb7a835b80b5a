import { Findings, refuseConfig } from './findings.js';
import { isMusubi, readMusubi } from './musubi.js';
import { parseConfigFile } from './parse-config.js';
import { isSdScripts, readSdScripts } from './sd-scripts.js';
import { readMetadata } from './sd-scripts-lists.js';
import type { DatasetConfig } from './types.js';
import type { ConfigTable } from './values.js';

/**
 * Reads the file that `--dataset_config` of sd-scripts or musubi-tuner takes, and the lists of images that it names. Whose
 * it is, its data sets tell: sd-scripts' have subsets.
 *
 * @param file `.toml` or `.json`
 * @throws LatentCacheError `ERR_DATASET_CONFIG` for a file that cannot be read, that the trainer refuses (unknown keys are
 * only noted), or that no cache can serve
 */
export async function readDatasetConfig(file: string): Promise<DatasetConfig> {
  const config = await parseConfigFile(file);
  const trainer = trainerOf(config, file);
  const findings = new Findings(file);
  const sources = await { 'sd-scripts': readSdScripts, musubi: readMusubi }[trainer](config, findings);
  if (sources.length === 0) {
    refuseConfig(
      file,
      ['no images are left', ...findings.warnings].join('; '),
      'Name at least one folder or list.',
    );
  }
  const { ignored, unknown, warnings } = findings;
  return { trainer, sources, ignored, unknown, warnings };
}

/**
 * Reads a metadata file of sd-scripts' fine-tuning method by itself: its `--in_json` beside `--train_data_dir`.
 *
 * @param file `.json`, or `.jsonl` with one image a line
 * @param imageDir where the images are whose keys are no absolute paths
 * @throws LatentCacheError `ERR_DATASET_CONFIG`
 */
export async function readMetadataSource(file: string, imageDir?: string): Promise<DatasetConfig> {
  const findings = new Findings(file);
  const folders = await readMetadata(file, imageDir, 'metadata', findings);
  if (folders.length === 0) refuseConfig(file, 'it names no images', 'Check that it is the right file.');
  const sources = folders.map((folder) => ({ ...folder, settings: {} }));
  const { ignored, unknown, warnings } = findings;
  return { trainer: 'sd-scripts', sources, ignored, unknown, warnings };
}

function trainerOf(config: ConfigTable, file: string): DatasetConfig['trainer'] {
  const datasets = Object.hasOwn(config, 'datasets') ? config.datasets : undefined;
  if (!Array.isArray(datasets) || datasets.length === 0) {
    refuseConfig(
      file,
      'the file has no [[datasets]]',
      'Give the dataset config of sd-scripts or musubi-tuner.',
    );
  }
  const sdScripts = isSdScripts(datasets);
  if (sdScripts === isMusubi(datasets)) {
    refuseConfig(
      file,
      sdScripts
        ? 'some data sets have subsets, as for sd-scripts, and some image_directory or its like, as for musubi-tuner'
        : 'no data set has [[datasets.subsets]], as for sd-scripts, or image_directory, as for musubi-tuner',
      'Write the file as its trainer wants it.',
    );
  }
  return sdScripts ? 'sd-scripts' : 'musubi';
}

import path from 'node:path';
import { LatentCacheError } from '../../errors.js';
import { isFolder, readFolder } from '../folder-entries.js';
import { sortByCodePoints } from '../name-order.js';
import type { DatasetConfig } from './types.js';

/**
 * The folders that sd-scripts' `--train_data_dir` (and `--reg_data_dir`) takes: sub-folders whose names begin with a number
 * of repeats from 1 on and an underscore, as `10_cat`, or are that number alone. The trainer takes them in the order of the
 * file system; here it is that of their names.
 *
 * @throws LatentCacheError `ERR_NO_INPUT` when the folder cannot be listed or no sub-folder counts
 */
export async function readTrainDataDir(folder: string): Promise<DatasetConfig> {
  const { entries } = await readFolder(folder);
  const names: string[] = [];
  for (const entry of entries) if (await isFolder(entry, folder)) names.push(entry.name);
  const warnings: string[] = [];
  const taken = sortByCodePoints(names).filter((name) => {
    const repeats = repeatsOf(name);
    if (repeats === undefined) {
      warnings.push(
        `${path.join(folder, name)} is left out, as by the trainer: its name has no number of repeats.`,
      );
    } else if (repeats < 1) {
      warnings.push(
        `${path.join(folder, name)} is left out, as by the trainer: its number of repeats is below 1.`,
      );
    }
    return repeats !== undefined && repeats >= 1;
  });
  if (taken.length === 0) {
    throw new LatentCacheError('ERR_NO_INPUT', `No sub-folder of ${folder} is named like 10_cat`, {
      path: folder,
      remedy:
        'Give the parent of folders named after repeats and class, or the folder of the images by itself.',
    });
  }
  const sources = taken.map((name) => ({
    place: name,
    imageDir: path.join(folder, name),
    recursive: false as const,
    settings: {},
  }));
  return { trainer: 'sd-scripts', sources, ignored: [], unknown: [], warnings };
}

/** What Python's `int` makes of the part before the first underscore: also of ` 5`, `+5`, `-1` and full-width digits. */
function repeatsOf(name: string): number | undefined {
  const [first] = name.split('_');
  if (!/^\s*[+-]?\p{Nd}+\s*$/u.test(first!)) return undefined;
  return Number(first!.normalize('NFKC'));
}

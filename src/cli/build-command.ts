import { Command } from 'commander';
import {
  addCacheOptions,
  addDatasetOptions,
  addEncoderOptions,
  addModelOptions,
  addRunOptions,
} from './build-options.js';
import { parseCount } from './parse.js';
import { type CliOptions, runBuild } from './run-build.js';

export function buildCommand(): Command {
  const command = new Command('build')
    .summary('make latent caches of image folders')
    .description(
      'Encodes every image of the folders with a VAE and writes the latent caches that the trainer loads. ' +
        'Exit code: 0 all done, 1 nothing could run, 2 some images failed or are left, 130 ended by Ctrl-C.',
    )
    .argument('[dir...]', 'folders with images; or give --dataset-config or --train-data-dir');
  addModelOptions(command);
  addDatasetOptions(command);
  addCacheOptions(command);
  addEncoderOptions(command);
  command.option('--device <n>', 'which GPU', parseCount, 0);
  addRunOptions(command);
  return command.action(async (inputs: string[], options: CliOptions) => {
    await runBuild(inputs, options);
  });
}

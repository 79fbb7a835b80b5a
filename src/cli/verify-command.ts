import { once } from 'node:events';
import { Command, Option } from 'commander';
import { CHOICES } from '../pipeline/options.js';
import type { VerifyOptions } from '../verify/options.js';
import type { VerifyEvent, VerifySummary } from '../verify/results.js';
import { verifyCaches } from '../verify/verify-caches.js';
import { EXIT_DONE, EXIT_INTERRUPTED, EXIT_PROBLEMS, EXIT_REPAIRED } from './exit-codes.js';
import { formatSeconds } from './format.js';
import { parseCount, parseSize } from './parse.js';

interface CliOptions extends Omit<VerifyOptions, 'inputs' | 'signal' | 'binding'> {
  readonly json?: boolean;
}

export function verifyCommand(): Command {
  return new Command('verify')
    .summary('check latent caches')
    .description(
      'Checks the latent caches of image folders: structure, shapes, sizes against the images, and what gets in the ' +
        'way of the trainer. Nothing is changed without --repair. ' +
        'Exit code: 0 clean, 1 nothing could be checked, 2 problems found, 3 problems found and all repaired.',
    )
    .argument('<dir...>', 'folders with images and their caches')
    .optionsGroup('What is read:')
    .option('--read-data', 'all data: CRC, finite values, and whether the image is the same to the byte')
    .option(
      '--read-data-subset <part>',
      'the data of some files: 10%, or 1/7 (1/7 to 7/7 together are all files)',
    )
    .option('--recursive', 'search sub-folders too (default: off)')
    .option('--out-dir <dir>', 'where the caches are, as given to build (default: beside the images)')
    .optionsGroup('What the caches must be (not given: not compared):')
    .addOption(new Option('--model <model>', 'only caches for this model').choices(CHOICES.model))
    .option('--suffix <text>', 'suffix of the file name instead of the models’ own')
    .option('--vae <file>', 'made with this VAE (--model where its file does not tell it)')
    .option('--resolution <size>', 'of this size, side or width,height; needs --model or --vae', parseSize)
    .option('--enable-bucket', 'the bucket options of the build; they need --resolution')
    .option('--min-bucket-reso <pixels>', 'as given to build', parseCount)
    .option('--max-bucket-reso <pixels>', 'as given to build', parseCount)
    .option('--bucket-reso-steps <pixels>', 'as given to build', parseCount)
    .option('--bucket-no-upscale', 'as given to build')
    .option('--flip-aug', 'with latents of the mirrored image')
    .option('--alpha-mask', 'with an alpha mask')
    .optionsGroup('What is done:')
    .option('--repair', 'remove broken files, only those that latent-cache made, to be made again by build')
    .option('--json', 'one JSON object a line, the last one a summary')
    .action((inputs: string[], options: CliOptions) => runVerify(inputs, options));
}

async function runVerify(inputs: readonly string[], { json, ...options }: CliOptions): Promise<void> {
  const stop = new AbortController();
  process.stdout.on('error', () => stop.abort());
  try {
    for await (const event of verifyCaches({ ...options, inputs, signal: stop.signal })) {
      for (const line of json ? [JSON.stringify(event)] : textLines(event))
        await writeLine(line, stop.signal);
      if (event.type === 'summary') process.exitCode = exitCode(event);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = EXIT_INTERRUPTED; // nobody reads the output any more
  }
}

/** A slow reader must not make the lines pile up in memory. */
async function writeLine(line: string, signal: AbortSignal): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain', { signal });
}

function exitCode({ problems, repaired }: VerifySummary): number {
  if (problems === 0) return EXIT_DONE;
  return problems === repaired ? EXIT_REPAIRED : EXIT_PROBLEMS;
}

function textLines(event: VerifyEvent): string[] {
  switch (event.type) {
    case 'ok':
      return [];
    case 'problem': {
      const whose = event.ours ? '' : ' (not made by latent-cache)';
      const next = event.repaired ? 'Removed: the next build makes it again.' : event.remedy;
      return [`${event.path}: ${event.message} [${event.code}]${whose}`, `  ${next}`];
    }
    case 'summary':
      return summaryLines(event);
  }
}

function summaryLines(summary: VerifySummary): string[] {
  const { files, ok, foreign, dataRead, problems, repaired, imagesWithoutCache, ignored } = summary;
  const codes = Object.entries(summary.problemsByCode).map(([code, count]) => `${count} ${code}`);
  const lines = [
    `Checked ${files} caches (${foreign} of others) in ${formatSeconds(summary.seconds)}, the data of ${dataRead}: ${ok} without a problem`,
  ];
  if (problems > 0)
    lines.push(`${problems} problems: ${codes.join(', ')}${repaired > 0 ? `; ${repaired} repaired` : ''}`);
  if (imagesWithoutCache > 0) lines.push(`${imagesWithoutCache} images have no cache`);
  if (ignored > 0) lines.push(`${ignored} other .npz files were not looked at`);
  return lines;
}

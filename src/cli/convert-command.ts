import { once } from 'node:events';
import { Command, Option } from 'commander';
import { type ConvertEvent, type ConvertSummary, convertCaches } from '../convert/convert-caches.js';
import type { ConvertOptions } from '../convert/options.js';
import { CHOICES } from '../pipeline/options.js';
import { EXIT_DONE, EXIT_INTERRUPTED, EXIT_PARTIAL } from './exit-codes.js';
import { countOf, formatSeconds } from './format.js';
import { parseCount, parseSize } from './parse.js';

interface CliOptions extends Omit<ConvertOptions, 'inputs' | 'signal' | 'binding'> {
  readonly json?: boolean;
}

export function convertCommand(): Command {
  return new Command('convert')
    .summary('make caches of one trainer into those of another, without encoding')
    .description(
      'Writes the latents of caches that are there as another trainer keeps them: values, type, container and name. ' +
        'Refuses whatever would be wrong for it: another model or bucket, an image that has changed. ' +
        'Exit code: 0 all done, 1 nothing could run, 2 some were refused, 130 ended by Ctrl-C.',
    )
    .argument('<path...>', 'folders with caches, or cache files')
    .addOption(new Option('--to <name>', 'whose format').choices(CHOICES.format).makeOptionMandatory())
    .addOption(
      new Option('--from <name>', 'of folders, only caches of this format (default: of all others)').choices(
        CHOICES.format,
      ),
    )
    .addOption(
      new Option('--model <model>', 'what they are for from now on (default: as before)').choices(
        CHOICES.model,
      ),
    )
    .option('--vae <file>', 'the VAE of that model: caches of another are refused; needs --model')
    .addOption(
      new Option('--dtype <type>', 'of the stored latents (default: as they are)').choices(CHOICES.dtype),
    )
    .option('--recursive', 'search sub-folders too (default: off)')
    .option('--image-dir <dir>', 'where the images are (default: beside the caches)')
    .option('--out-dir <dir>', 'write here (default: where the trainer looks, by the images)')
    .optionsGroup('The data set, as you train on it:')
    .option('--resolution <size>', 'side or width,height in pixels (default: the model’s)', parseSize)
    .option('--enable-bucket', 'as given to build')
    .option('--min-bucket-reso <pixels>', 'as given to build', parseCount)
    .option('--max-bucket-reso <pixels>', 'as given to build', parseCount)
    .option('--bucket-reso-steps <pixels>', 'as given to build', parseCount)
    .option('--bucket-no-upscale', 'as given to build')
    .option('--suffix <text>', 'suffix of the file name instead of the model’s own')
    .option('--legacy-name', 'the name that sd-scripts before 0.10 reads: {image}.npz')
    .option('--multi-resolution-keys', 'array names with the latent size')
    .optionsGroup('What is done:')
    .option(
      '--accept-other-pixels',
      'also where the trainer would scale, cut or resample the image otherwise',
    )
    .option('--force', 'rename files of other programs that are in the way to {name}.stale')
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'one JSON object a line, the last one a summary')
    .action((inputs: string[], options: CliOptions) => runConvert(inputs, options));
}

async function runConvert(inputs: readonly string[], { json, ...options }: CliOptions): Promise<void> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  process.stdout.once('error', abort);
  try {
    for await (const event of convertCaches({ ...options, inputs, signal: stop.signal })) {
      for (const line of json ? [JSON.stringify(event)] : textLines(event)) {
        // A slow reader must not make the lines pile up in memory.
        if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain', { signal: stop.signal });
      }
      if (event.type === 'summary') process.exitCode = exitCode(event);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
    process.stdout.off('error', abort);
  }
}

function exitCode({ refused, aborted }: ConvertSummary): number {
  if (aborted) return EXIT_INTERRUPTED;
  return refused > 0 ? EXIT_PARTIAL : EXIT_DONE;
}

function textLines(event: ConvertEvent): string[] {
  switch (event.type) {
    case 'converted':
      return [`${event.path} → ${event.output}`, ...event.notes.map((note) => `  Note: ${note}`)];
    case 'unchanged':
      return [];
    case 'refused':
      return [
        `${event.path}: ${event.message} [${event.code}]`,
        ...(event.remedy === undefined ? [] : [`  ${event.remedy}`]),
      ];
    case 'summary':
      return [summaryLine(event)];
  }
}

function summaryLine({
  converted,
  unchanged,
  refused,
  refusedByCode,
  dryRun,
  seconds,
}: ConvertSummary): string {
  const codes = Object.entries(refusedByCode).map(([code, count]) => `${count} ${code}`);
  return [
    `${dryRun ? 'Would convert' : 'Converted'} ${countOf(converted, 'cache')} in ${formatSeconds(seconds)}`,
    ...(unchanged === 0 ? [] : [`${unchanged} were there already`]),
    ...(refused === 0 ? [] : [`${refused} refused: ${codes.join(', ')}`]),
  ].join('; ');
}

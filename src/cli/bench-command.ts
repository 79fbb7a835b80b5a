import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { benchText } from '../bench/bench-text.js';
import { type CompareOptions, compareReports } from '../bench/compare-reports.js';
import type { BenchOptions } from '../bench/options.js';
import { PRESET_NAMES } from '../bench/presets.js';
import { readReportFile } from '../bench/read-report.js';
import {
  COMPARISON_FORMATS,
  type ComparisonFormat,
  formatOfFile,
  renderComparison,
} from '../bench/render-comparison.js';
import { runBench } from '../bench/run-bench.js';
import { asLatentCacheError } from '../errors.js';
import { MODEL_IDS } from '../model/catalog.js';
import { addBackendOptions } from './build-options.js';
import { EXIT_PARTIAL } from './exit-codes.js';
import { parseCount, parseSize } from './parse.js';

interface BenchCliOptions extends Omit<BenchOptions, 'signal' | 'onProgress' | 'binding'> {
  readonly output?: string;
  readonly json?: boolean;
}

interface CompareCliOptions extends CompareOptions {
  readonly format?: ComparisonFormat;
  readonly output?: string;
}

export function benchCommand(): Command {
  const command = new Command('bench')
    .summary('measure this machine, and compare it with others')
    .description(
      'Measures each stage of a build alone and whole builds, on photos that are drawn and random weights of full size, ' +
        'the same on every machine. Exit code: 0 done, 2 the speed is void because the latents are not right.',
    )
    .optionsGroup('Work:')
    .addOption(new Option('--preset <name>', 'a known piece of work').choices(PRESET_NAMES))
    .option('--size <size>', 'a size of your own instead, side or width,height', parseSize)
    .addOption(new Option('--model <model>', 'of --size (default: sdxl)').choices(MODEL_IDS))
    .option('--images <n>', "number of photos (default: the preset's own)", parseCount)
    .option('--vae <file>', 'VAE or full checkpoint (default: random weights of full size)')
    .option('--batch <n>', 'images at once (default: the fastest that fits the memory budget)', parseCount)
    .optionsGroup('Measuring:')
    .option('--repetitions <n>', 'of each measurement (default: 3)', parseCount)
    .option('--seconds <n>', 'that encoding goes on for at least (default: 60)', parseCount)
    .option('--quick', 'few images, no minimum of seconds: to see it work (default: off)')
    .option(
      '--peak-tflops <n>',
      "the device's peak in 10^12 operations a second, if you know it",
      parsePositive,
    )
    .option('--output <file>', 'write the report as JSON (default: none)')
    .option('--json', 'print the report as JSON (default: text)');
  addBackendOptions(command);
  command.option('--device <n>', 'which GPU', parseCount, 0);
  command.action((options: BenchCliOptions) => bench(options));
  return command.addCommand(compareCommand());
}

function compareCommand(): Command {
  return new Command('compare')
    .summary('two reports side by side')
    .description('Refuses reports of unequal work, and lists what differs.')
    .argument('<first>', 'report of bench')
    .argument('<second>', 'report of bench')
    .addOption(
      new Option(
        '--format <form>',
        'of the comparison (default: by the name of --output, .html or .md, else table)',
      ).choices(COMPARISON_FORMATS),
    )
    .option('--output <file>', 'write it there (default: print it)')
    .option('--allow-precision', 'compare although the precisions differ (default: off)')
    .action(async (first: string, second: string, { format, output, ...options }: CompareCliOptions) => {
      const comparison = compareReports(await readReportFile(first), await readReportFile(second), options);
      await show(await renderComparison(comparison, format ?? formatOfFile(output)), output);
    });
}

async function bench({ output, json, ...options }: BenchCliOptions): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    // before minutes of work, not after
    if (output !== undefined) await save(output, '', 'a');
    const onProgress = (what: string) => process.stderr.write(`${what}\n`);
    const report = await runBench({ ...options, signal: stop.signal, onProgress });
    const content = `${JSON.stringify(report, null, 2)}\n`;
    if (output !== undefined) await save(output, content);
    process.stdout.write(json ? content : benchText(report));
    const { status } = report.parity;
    if (status === 'failed' || status === 'not-checked') process.exitCode = EXIT_PARTIAL;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function show(content: string, output: string | undefined): Promise<void> {
  if (output === undefined) process.stdout.write(content);
  else await save(output, content);
}

async function save(file: string, content: string, flag: 'a' | 'w' = 'w'): Promise<void> {
  try {
    await writeFile(file, content, { flag });
  } catch (cause) {
    const remedy = 'Give --output a file that can be written.';
    throw asLatentCacheError(cause, 'ERR_OUTPUT_NOT_WRITABLE', { path: file, remedy });
  }
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

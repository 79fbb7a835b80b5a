import { Command, Option } from 'commander';
import { LatentCacheError } from '../errors.js';
import { formatReport, progressLine, verdictOf } from '../selftest/format-report.js';
import { DEVICE_HELP, type SelftestDevice, type SelftestOptions } from '../selftest/options.js';
import type { SelftestEvent, SelftestVerdict } from '../selftest/report.js';
import { runSelftest } from '../selftest/run-selftest.js';
import { EXIT_DONE, EXIT_INTERRUPTED, EXIT_PROBLEMS, EXIT_SIMULATED } from './exit-codes.js';
import { parseCount } from './parse.js';

interface CliOptions extends Pick<SelftestOptions, 'minutes' | 'threads' | 'libraryDir'> {
  readonly device: SelftestDevice;
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly json?: boolean;
}

const EXIT_CODES: Record<SelftestVerdict, number> = {
  pass: EXIT_DONE,
  fail: EXIT_PROBLEMS,
  simulated: EXIT_SIMULATED,
};
/** Of progress within a check. */
const NOTE_SECONDS = 10;

export function selftestCommand(): Command {
  return new Command('selftest')
    .summary('prove that this device encodes rightly and stays inside its memory')
    .description(
      'Builds engines from seeded weights, encodes, compares with known answers and with float32 in every precision of the ' +
        'device, runs out of memory on purpose, checks that memory returns, and prints one block for an issue. Needs no ' +
        'VAE and no images; writes to a temporary folder. ' +
        'Exit code: 0 passed, 1 nothing could run, 2 failed, 3 nothing failed on a simulated GPU, 130 ended by Ctrl-C.',
    )
    .option('--device <name>', `what is tested: ${DEVICE_HELP}`, 'auto')
    .addOption(new Option('--quick', 'leave the full-size VAE out (default: off)').conflicts('full'))
    .option('--full', 'test 1024x1024 too (default: off)')
    .option(
      '--minutes <n>',
      'begin no further precision of the full-size VAE after so long (default: 20)',
      parseCount,
    )
    .option(
      '--threads <n>',
      'threads of the CPU encoder (default: all that this process may use)',
      parseCount,
    )
    .option(
      '--library-dir <dir>',
      'folder with CUDA or TensorRT libraries, may be repeated (default: where pip and the CUDA toolkit put them)',
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option('--json', 'the whole report as JSON instead of the block')
    .action((options: CliOptions) => run(options));
}

async function run({ quick, full, json, ...options }: CliOptions): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => {
    forget(); // the second Ctrl-C ends the process at once
    process.stderr.write('\nStopping; press Ctrl-C again to stop at once.\n');
    stop.abort();
  };
  const forget = () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const mode = quick ? 'quick' : full ? 'full' : 'default';
    const report = await runSelftest({ ...options, mode, signal: stop.signal, onEvent: progress() });
    const lines = json ? [JSON.stringify(report, null, 2)] : formatReport(report);
    process.stdout.write(`${lines.join('\n')}\n`);
    if (json) process.stderr.write(`${verdictOf(report)}\n`);
    process.exitCode = EXIT_CODES[report.verdict];
  } catch (error) {
    const isAbort = error instanceof LatentCacheError && error.code === 'ERR_ABORTED' && stop.signal.aborted;
    if (!isAbort) throw error;
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    forget();
  }
}

/** Lines on stderr. */
function progress(): (event: SelftestEvent) => void {
  let noted = 0;
  return (event) => {
    if (event.type === 'end') process.stderr.write(`${progressLine(event.check)}\n`);
    if (event.type !== 'note' || performance.now() - noted < NOTE_SECONDS * 1000) return;
    noted = performance.now();
    process.stderr.write(`     ${event.message}\n`);
  };
}

import { writeFile } from 'node:fs/promises';
import { asLatentCacheError, LatentCacheError } from '../errors.js';
import { buildCache } from '../pipeline/build-cache.js';
import type { BuildEvent, SummaryEvent } from '../pipeline/events.js';
import type { BuildOptions } from '../pipeline/options.js';
import { EXIT_DONE, EXIT_INTERRUPTED, EXIT_PARTIAL } from './exit-codes.js';
import { JsonReporter, type Reporter, TextReporter } from './reporter.js';
import { isWorthRestarting, restart } from './restart.js';

/** Options that are about showing the run, not about the run. */
interface ShowOptions {
  readonly logFormat: 'text' | 'json';
  readonly report?: string;
}

export type CliOptions = Omit<BuildOptions, 'inputs' | 'signal'> & ShowOptions;

/** Runs a build, shows it, sets the exit code. */
export async function runBuild(
  inputs: readonly string[],
  options: CliOptions,
  onEvent?: (event: BuildEvent) => void,
): Promise<SummaryEvent | undefined> {
  const { logFormat, report, ...build } = options;
  const reporter: Reporter =
    logFormat === 'json' ? new JsonReporter(process.stdout) : new TextReporter(process.stdout);
  // Before hours of work, not after; what an earlier run wrote stays until there is something new.
  if (report !== undefined) await saveReport(report, '', 'a');
  const interrupt = watchInterrupt();
  let summary: SummaryEvent | undefined;
  try {
    for await (const event of buildCache({ ...build, inputs, signal: interrupt.signal })) {
      if (event.type === 'summary') summary = event;
      reporter.report(event);
      onEvent?.(event);
    }
  } catch (error) {
    const interrupted =
      error instanceof LatentCacheError && error.code === 'ERR_ABORTED' && interrupt.signal.aborted;
    if (!interrupted) throw error;
  } finally {
    reporter.close();
    interrupt.stop();
  }
  if (report !== undefined && summary !== undefined) {
    const { type: _type, ...content } = summary;
    await saveReport(report, `${JSON.stringify({ summary: content, inputs, options }, null, 2)}\n`);
  }
  process.exitCode = exitCode(summary, interrupt.signal.aborted);
  if (summary !== undefined && !interrupt.signal.aborted && isWorthRestarting(summary)) {
    process.stderr.write('latent-cache: the device was lost; going on in a new process\n');
    process.exitCode = await restart();
  }
  return summary;
}

function exitCode(summary: SummaryEvent | undefined, interrupted: boolean): number {
  if (interrupted || summary === undefined) return EXIT_INTERRUPTED;
  return summary.failed > 0 || summary.remaining > 0 ? EXIT_PARTIAL : EXIT_DONE;
}

/**
 * The first Ctrl-C ends the run after the batch in flight. The second finds no handler any more, so that the system
 * ends the process at once: `process.exit` would wait for the encoder's thread. A reader that goes away
 * (`latent-cache build … | head`) ends the run like the first Ctrl-C.
 */
function watchInterrupt(): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const stop = () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    process.stdout.off('error', onOutputError);
  };
  const onSignal = () => {
    stop();
    process.stderr.write(
      '\nStopping; the batch that computes is finished first. Press Ctrl-C again to stop at once.\n',
    );
    controller.abort();
  };
  const onOutputError = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.stdout.on('error', onOutputError);
  return { signal: controller.signal, stop };
}

async function saveReport(file: string, content: string, flag: 'a' | 'w' = 'w'): Promise<void> {
  try {
    await writeFile(file, content, { flag });
  } catch (cause) {
    const remedy = 'Give --report a file that can be written.';
    throw asLatentCacheError(cause, 'ERR_OUTPUT_NOT_WRITABLE', { path: file, remedy });
  }
}

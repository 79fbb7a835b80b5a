import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { LatentCacheError } from '../errors.js';
import { benchCommand } from './bench-command.js';
import { buildCommand } from './build-command.js';
import { convertCommand } from './convert-command.js';
import { demoCommand } from './demo-command.js';
import { doctorCommand } from './doctor-command.js';
import { enginesCommand } from './engines-command.js';
import { EXIT_NOTHING, EXIT_PARTIAL } from './exit-codes.js';
import { indexCommand } from './index-command.js';
import { inspectCommand } from './inspect-command.js';
import { planCommand } from './plan-command.js';
import { selftestCommand } from './selftest-command.js';
import { verifyCommand } from './verify-command.js';

const { version, description } = createRequire(import.meta.url)('../../package.json') as {
  version: string;
  description: string;
};

/** All commands; docs/cli.md is generated from them. */
export function createProgram(): Command {
  const program = new Command('latent-cache')
    .description(description)
    .version(version)
    .showSuggestionAfterError()
    // what comes behind the name of a subcommand is its own
    .enablePositionalOptions()
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 110) })
    .addCommand(buildCommand())
    .addCommand(planCommand())
    .addCommand(doctorCommand())
    .addCommand(benchCommand())
    .addCommand(demoCommand())
    .addCommand(enginesCommand())
    .addCommand(convertCommand())
    .addCommand(indexCommand())
    .addCommand(inspectCommand())
    .addCommand(selftestCommand())
    .addCommand(verifyCommand());
  for (const command of withSubcommands(program)) command.exitOverride().copyInheritedSettings(program);
  return program.exitOverride();
}

/** Runs the command line and sets the exit code. Never rejects. */
export async function main(argv: readonly string[]): Promise<void> {
  watchOutput();
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = reportError(error);
  }
}

/**
 * Without a listener a closed pipe or a full disk behind stdout would end the process with a stack trace. Nobody reads a
 * closed pipe any more; output that is lost otherwise must not look like success. The last error may come after the
 * command has ended, so that the exit code is set at the very end.
 */
function watchOutput(): void {
  let failed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (failed || error.code === 'EPIPE') return;
    failed = true;
    process.stderr.write(`latent-cache: cannot write the output: ${error.message}\n`);
    process.once('exit', () => {
      process.exitCode ||= EXIT_PARTIAL;
    });
  });
}

function withSubcommands({ commands }: Command): Command[] {
  return commands.flatMap((command) => [command, ...withSubcommands(command)]);
}

function reportError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_NOTHING; // it has printed its text
  if (error instanceof LatentCacheError) {
    process.stderr.write(`latent-cache: ${error.message} [${error.code}]\n`);
    if (error.remedy !== undefined) process.stderr.write(`  ${error.remedy}\n`);
  } else {
    process.stderr.write(
      `latent-cache: unexpected error, please report it\n${error instanceof Error ? error.stack : error}\n`,
    );
  }
  return EXIT_NOTHING;
}

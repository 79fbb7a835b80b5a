import { Command } from 'commander';
import type { CheckResult, CheckStatus, DoctorReport } from '../doctor/report.js';
import { runDoctor } from '../doctor/run-doctor.js';
import { collect } from './build-options.js';
import { EXIT_DONE, EXIT_NO_BACKEND, EXIT_NO_GPU, EXIT_PROBLEMS } from './exit-codes.js';
import { parseCount } from './parse.js';

interface CliOptions {
  readonly device: number;
  readonly libraryDir?: readonly string[];
  readonly engineDir?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('say what is installed, what is missing, and how to repair it')
    .description(
      'Looks at driver, GPU, CUDA, TensorRT, processor, memory, disk and limits, in the order in which they must be ' +
        'repaired, and says what build will encode with. Changes nothing. Libraries are tried in processes of their ' +
        'own, so that one that crashes is a finding. ' +
        'Exit code: 0 all is well (without an NVIDIA card: the CPU works), 2 encoding works but something else needs ' +
        'repair, 3 an NVIDIA card is there and will not be used, or its libraries would stop a build, 4 nothing here ' +
        'can encode; 1 wrong options.',
    )
    .argument('[dir...]', 'folders with images, to see whether caches can be written there')
    .option('--device <n>', 'which GPU', parseCount, 0)
    .option('--library-dir <dir>', 'as given to build, may be repeated', collect)
    .option('--engine-dir <dir>', 'as given to build (default: ~/.cache/latent-cache/engines)')
    .option('--limit <seconds>', 'how long a library may take to answer', parseCount, 30)
    .option('--json', 'print one JSON object (docs/doctor.md)')
    .action(async (outputFolders: string[], { device, libraryDir, engineDir, limit, json }: CliOptions) => {
      const report = await runDoctor({
        device,
        outputFolders,
        limitSeconds: limit,
        ...(libraryDir === undefined ? {} : { libraryFolders: libraryDir }),
        ...(engineDir === undefined ? {} : { engineFolder: engineDir }),
      });
      process.stdout.write(json ? `${JSON.stringify(report)}\n` : doctorText(report));
      process.exitCode = doctorExitCode(report);
    });
}

export function doctorExitCode({ verdict, checks }: DoctorReport): number {
  const { outcome, hasCard } = verdict;
  if (outcome === 'none') return EXIT_NO_BACKEND;
  if (outcome === 'stops' || (outcome === 'cpu' && hasCard)) return EXIT_NO_GPU;
  // that there is no card needs no repair, nor does what only it would need
  return checks.some(
    ({ status, remedy }) => (status === 'failed' || status === 'missing') && remedy !== undefined,
  )
    ? EXIT_PROBLEMS
    : EXIT_DONE;
}

const MARKS: Readonly<Record<CheckStatus, string>> = {
  ok: 'ok     ',
  warning: 'WARNING',
  missing: 'MISSING',
  failed: 'FAILED ',
  skipped: '-      ',
};

export function doctorText({ checks, verdict }: DoctorReport): string {
  const lines: string[] = [];
  for (const { ids, status, summary, details, remedy } of groupSkipped(checks)) {
    lines.push(`${MARKS[status]}  ${ids.join(', ')}: ${summary}`);
    const indent = ' '.repeat(9);
    for (const line of details) lines.push(`${indent}  ${line}`);
    if (status === 'warning' && remedy !== undefined) lines.push(...remedyLines(remedy, `${indent}→ `));
  }
  lines.push('', verdict.text);
  if (verdict.fixes.length > 0) {
    const isForGpu = verdict.hasCard && (verdict.outcome === 'stops' || verdict.outcome === 'cpu');
    lines.push(isForGpu ? 'To use the GPU, in this order:' : 'To repair, in this order:');
    for (const [index, fix] of verdict.fixes.entries()) lines.push(...remedyLines(fix, `  ${index + 1}. `));
  }
  return `${lines.join('\n')}\n`;
}

/** Checks in a row that were skipped for the same reason are one line. */
function groupSkipped(checks: readonly CheckResult[]): (CheckResult & { readonly ids: string[] })[] {
  const groups: (CheckResult & { readonly ids: string[] })[] = [];
  for (const check of checks) {
    const last = groups.at(-1);
    const isSame = last?.status === 'skipped' && check.status === 'skipped' && last.summary === check.summary;
    if (isSame && check.details.length === 0) last.ids.push(check.id);
    else groups.push({ ...check, ids: [check.id] });
  }
  return groups;
}

function remedyLines({ text, command }: { text: string; command?: string }, lead: string): string[] {
  return [`${lead}${text}`, ...(command === undefined ? [] : [`${' '.repeat(lead.length + 2)}${command}`])];
}

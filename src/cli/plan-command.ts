import { Command, InvalidArgumentError } from 'commander';
import { SIMULATED_CARDS, type SimulatedCardName } from '../encoder/sim/profiles.js';
import { type DatasetPlan, type DatasetPlanOptions, planDataset } from '../plan/plan-dataset.js';
import { addCacheOptions, addDatasetOptions, addEncoderOptions, addModelOptions } from './build-options.js';
import { EXIT_DONE, EXIT_PARTIAL } from './exit-codes.js';
import { countOf, formatBytes, formatSeconds, parseBytes } from './format.js';

const CARDS = Object.keys(SIMULATED_CARDS) as SimulatedCardName[];

interface PlanCliOptions extends Omit<DatasetPlanOptions, 'inputs' | 'target' | 'device'> {
  readonly device: number | SimulatedCardName;
  readonly vram?: number;
  readonly json?: boolean;
}

/** `plan`: what a build would do, without doing it. */
export function planCommand(): Command {
  const command = new Command('plan')
    .summary('say what a build would do: buckets, batches, memory, disk, time, hazards')
    .description(
      'Looks at everything and touches nothing. Takes the options of build; encodes nothing and builds no engine. ' +
        'Exit code: 0 all can be done, 1 nothing could be planned, 2 some images are unusable or do not fit.',
    )
    .argument('[dir...]', 'folders with images; or give --dataset-config or --train-data-dir');
  addModelOptions(command);
  addDatasetOptions(command);
  addCacheOptions(command);
  addEncoderOptions(command);
  command
    .optionsGroup('Plan:')
    .option(
      '--device <which>',
      `number of a GPU of this machine, or a card that is not here: ${CARDS.join(', ')}`,
      parseDevice,
      0,
    )
    .option('--vram <size>', 'for any card with so much memory, e.g. 12GiB', parseVram)
    .option('--json', 'one JSON object (default: text)');
  return command.action(async (inputs: string[], { device, vram, json, ...options }: PlanCliOptions) => {
    const plan = await planDataset({ ...options, inputs, ...targetOf(device, vram) });
    process.stdout.write(json ? `${JSON.stringify(plan)}\n` : planText(plan));
    process.exitCode =
      plan.failures.length > 0 || plan.buckets.some(({ batch }) => batch === 0) ? EXIT_PARTIAL : EXIT_DONE;
  });
}

function targetOf(
  device: number | SimulatedCardName,
  vramBytes: number | undefined,
): Pick<DatasetPlanOptions, 'target' | 'device'> {
  if (vramBytes !== undefined) return { target: { vramBytes } };
  return typeof device === 'number' ? { device } : { target: { card: device } };
}

function parseDevice(text: string): number | SimulatedCardName {
  if (/^\d+$/.test(text)) return Number(text);
  const card = CARDS.find((name) => name === text.toLowerCase());
  if (card === undefined) throw new InvalidArgumentError(`Expected a number or one of ${CARDS.join(', ')}.`);
  return card;
}

function parseVram(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes === 0) throw new InvalidArgumentError('Expected a size such as 12GiB.');
  return bytes;
}

/** Images that cannot be used which are shown; --json has them all. */
const FAILURES_SHOWN = 20;

function planText(plan: DatasetPlan): string {
  const lines = [
    `${countOf(plan.total, 'image')}: ${plan.toEncode} to encode, ${plan.skipped} complete, ${plan.failures.length} unusable`,
    ...deviceLines(plan),
  ];
  for (const { width, height, images, batch, bytes } of plan.buckets) {
    const run = batch === null ? '' : batch === 0 ? ' · does not fit' : ` · ${batch} at once`;
    const memory = bytes === null ? '' : ` · ${formatBytes(bytes)}`;
    lines.push(`  ${width}x${height}: ${countOf(images, 'image')}${run}${memory}`);
  }
  for (const warning of plan.memoryWarnings) lines.push(`Memory: ${warning}`);
  if (plan.toEncode > 0) {
    const { seconds, basis, source } = plan.time;
    lines.push(`Files will take ${formatBytes(plan.outputBytes)}`);
    lines.push(
      `Time: ${seconds === null ? 'unknown' : `about ${formatSeconds(seconds)}, ${basis}`} (${source})`,
    );
  }
  for (const { message, paths, count } of plan.hazards) {
    lines.push(`Note: ${message}`, ...paths.map((path) => `      ${path}`));
    if (count > paths.length) lines.push(`      … and ${count - paths.length} more`);
  }
  for (const { path, code, remedy } of plan.failures.slice(0, FAILURES_SHOWN)) {
    lines.push(`Unusable: ${path} [${code}]`);
    if (remedy !== undefined) lines.push(`    ${remedy}`);
  }
  const hidden = plan.failures.length - FAILURES_SHOWN;
  if (hidden > 0) lines.push(`  … and ${hidden} more; --json lists all`);
  return `${lines.join('\n')}\n`;
}

function deviceLines({ device }: DatasetPlan): string[] {
  if (device === null) return [];
  const { name, backend, precision, budget, free, total, memoryBasis } = device;
  const lines = [`Encoder: ${backend} on ${name}, ${precision}`];
  if (budget !== null && free !== null && total !== null) {
    lines.push(
      `Memory: ${formatBytes(budget)} of ${formatBytes(total)} may be used, ${formatBytes(free)} are free; needs are ${memoryBasis}`,
    );
  }
  return lines;
}

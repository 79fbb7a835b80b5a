import type {
  BatchesEvent,
  BuildEvent,
  EngineEvent,
  PlanEvent,
  ProgressEvent,
  SummaryEvent,
} from '../pipeline/events.js';
import { formatBytes, formatRate, formatSeconds } from './format.js';

/** Shows a run's events to somebody. */
export interface Reporter {
  report(event: BuildEvent): void;
  /** Leaves the terminal in order when the run breaks off. */
  close(): void;
}

/** The parts of `process.stdout` that reporters use. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One JSON object a line. */
export class JsonReporter implements Reporter {
  constructor(private readonly output: Output) {}

  report(event: BuildEvent): void {
    this.output.write(`${JSON.stringify(event)}\n`);
  }

  close(): void {}
}

/** Without a terminal, progress is a line now and then. */
const PLAIN_INTERVAL_MS = 10_000;
const LIVE_INTERVAL_MS = 100;
const FAILURES_SHOWN = 20;

/** Text for people: one live line on a terminal, plain lines elsewhere. */
export class TextReporter implements Reporter {
  private lastProgress = 0;
  private live = false;

  constructor(
    private readonly output: Output,
    private readonly now: () => number = () => performance.now(),
  ) {}

  report(event: BuildEvent): void {
    switch (event.type) {
      case 'survey':
        this.progress(`Looking at images: ${event.seen}/${event.total}`, event.seen === event.total);
        break;
      case 'notice':
        this.line(`Note: ${event.message}`);
        for (const path of event.paths) this.line(`      ${path}`);
        if (event.count > event.paths.length)
          this.line(`      … and ${event.count - event.paths.length} more`);
        break;
      case 'plan':
        for (const line of planLines(event)) this.line(line);
        break;
      case 'encoder':
        this.line(`Encoder: ${event.backend} on ${event.device}, ${event.precision} (${event.reason})`);
        break;
      case 'batches':
        for (const line of batchLines(event)) this.line(line);
        break;
      case 'memory':
        this.line(
          `Memory: ${event.bucket === null ? '' : `${event.bucket.width}x${event.bucket.height}: `}${event.message}`,
        );
        break;
      case 'engine':
        this.progress(engineLine(event), false);
        break;
      case 'encoded':
        break;
      case 'failed':
        this.line(
          `Failed: ${event.message.includes(event.path) ? '' : `${event.path}: `}${event.message} [${event.code}]`,
        );
        break;
      case 'progress':
        this.progress(progressLine(event), event.done === event.total);
        break;
      case 'summary':
        for (const line of summaryLines(event)) this.line(line);
        break;
    }
  }

  close(): void {
    if (this.live) this.output.write('\n');
    this.live = false;
  }

  private line(text: string): void {
    this.output.write(this.live ? `\r\u001b[K${text}\n` : `${text}\n`);
    this.live = false;
  }

  private progress(text: string, last: boolean): void {
    const interval = this.output.isTTY ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS;
    if (!last && this.now() - this.lastProgress < interval) return;
    this.lastProgress = this.now();
    if (this.output.isTTY) {
      // Longer than the terminal is wide, the line would wrap and could not be taken back.
      this.output.write(`\r\u001b[K${text.slice(0, Math.max(20, (this.output.columns ?? 80) - 1))}`);
      this.live = true;
    } else {
      this.line(text);
    }
  }
}

function planLines(plan: PlanEvent): string[] {
  const { total, toEncode, toDecode, skipped, failed } = plan;
  const several = toDecode === toEncode ? '' : `, of ${toDecode} images`;
  const what = several === '' ? 'images' : 'caches';
  const lines = [
    `${total} ${what}: ${toEncode} to encode${several}, ${skipped} complete, ${failed} unusable`,
  ];
  if (plan.toEncode === 0) return lines;
  const shown = [...plan.buckets].sort((a, b) => b.images - a.images).slice(0, 8);
  const rest = plan.buckets.length - shown.length;
  const text = shown.map(({ width, height, images }) => `${width}x${height}: ${images}`).join(', ');
  lines.push(
    `${plan.buckets.length === 1 ? 'Bucket' : 'Buckets'} ${text}${rest > 0 ? `, and ${rest} more` : ''}`,
  );
  lines.push(`Files will take ${formatBytes(plan.outputBytes)}`);
  return lines;
}

function batchLines({ buckets, budget, free, total }: BatchesEvent): string[] {
  const shown = [...buckets].sort((a, b) => b.bytes - a.bytes).slice(0, 8);
  const text = shown.map(
    ({ width, height, batch, bytes }) => `${width}x${height}: ${batch} (${formatBytes(bytes)})`,
  );
  const rest = buckets.length - shown.length;
  return [
    `Memory: ${formatBytes(budget)} of ${formatBytes(total)} may be used, ${formatBytes(free)} are free`,
    `Images at once ${text.join(', ')}${rest > 0 ? `, and ${rest} more buckets` : ''}`,
  ];
}

function memoryLines({ memory }: SummaryEvent): string[] {
  if (memory === null || memory.budget === null || memory.peak === null) return [];
  const actions = Object.entries(memory.actions).map(([action, times]) => `${times} × ${action}`);
  const peak = `Memory: at most ${formatBytes(memory.peak)} of ${formatBytes(memory.budget)} were used`;
  return [actions.length === 0 ? peak : `${peak}; ${actions.join(', ')}`];
}

function engineLine({ purpose, bucket, phase, seconds, index, total }: EngineEvent): string {
  const sides = bucket === null ? '' : ` ${bucket.width}x${bucket.height}`;
  const what = { bucket: sides, shared: ' for all other sizes', calibration: ' for calibration', retry: '' };
  return `Building engine ${index}/${total}${what[purpose]} · ${phase} · ${formatSeconds(seconds)}`;
}

function progressLine(event: ProgressEvent): string {
  const { done, total, bucket, batch } = event;
  const left = event.secondsLeft === null ? '' : ` · ${formatSeconds(event.secondsLeft)} left`;
  return (
    `${done}/${total} · ${formatRate(event.imagesPerSecond)}${left} · bucket ${bucket.width}x${bucket.height}` +
    ` · batch ${batch} · ${formatBytes(event.rssBytes)}`
  );
}

function summaryLines(summary: SummaryEvent): string[] {
  const { encoded, skipped, failed, remaining, seconds } = summary;
  const lines: string[] = [];
  if (summary.stoppedBy !== null) {
    lines.push(`Stopped: ${summary.stoppedBy.message} [${summary.stoppedBy.code}]`);
    if (summary.stoppedBy.remedy !== undefined) lines.push(`  ${summary.stoppedBy.remedy}`);
  }
  lines.push(
    summary.dryRun
      ? 'Dry run: nothing was encoded and no file was touched'
      : `Done: ${encoded} encoded, ${skipped} skipped, ${failed} failed in ${formatSeconds(seconds)}, ${formatBytes(summary.bytesWritten)} written`,
  );
  lines.push(...memoryLines(summary));
  if (remaining > 0) lines.push(`${remaining} images are left: run the same command again to go on`);
  for (const failure of summary.failures.slice(0, FAILURES_SHOWN)) {
    lines.push(`  ${failure.path} [${failure.code}]`);
    if (failure.remedy !== undefined) lines.push(`    ${failure.remedy}`);
  }
  const hidden = summary.failures.length - FAILURES_SHOWN;
  if (hidden > 0) lines.push(`  … and ${hidden} more; --report FILE lists all`);
  return lines;
}

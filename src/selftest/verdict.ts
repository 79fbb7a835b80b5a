/** From the checks to one word, one sentence, and what to do first. */
import type { Checklist } from './checklist.js';
import { CheckFailure, toFailure } from './failure.js';
import { withoutPaths } from './private-text.js';
import type { Figures, SelftestMode, SelftestReport } from './report.js';
import type { Target } from './target.js';

export interface Outcome {
  readonly mode: SelftestMode;
  readonly target: Pick<Target, 'kind' | 'name' | 'reason'>;
  readonly seconds: number;
  readonly environment: Figures;
}

export function concludeReport(
  list: Pick<Checklist, 'checks' | 'remedy'>,
  { mode, target, seconds, environment }: Outcome,
): SelftestReport {
  const { checks } = list;
  const count = (status: string) => checks.filter((check) => check.status === status).length;
  return {
    format: 1,
    ...conclude(list, target),
    mode,
    device: target.name,
    deviceReason: target.reason === null ? null : withoutPaths(target.reason),
    passed: count('pass'),
    failed: count('fail'),
    skipped: count('skip'),
    seconds,
    date: new Date().toISOString(),
    environment,
    checks,
  };
}

function conclude(
  { checks, remedy }: Pick<Checklist, 'checks' | 'remedy'>,
  { kind, name, reason }: Outcome['target'],
): Pick<SelftestReport, 'verdict' | 'summary' | 'remedy'> {
  const failures = checks.filter(({ status }) => status === 'fail');
  const passes = checks.filter(({ status }) => status === 'pass');
  const skipped = checks.length - failures.length - passes.length;
  const [first] = failures;
  if (first !== undefined) {
    const ran = checks.length - skipped;
    const summary = `${failures.length} of ${ran} checks failed, the first of them ${first.id}: ${first.code}`;
    return { verdict: 'fail', summary, remedy };
  }
  const counts = `${passes.length} checks passed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
  if (kind === 'simulated') {
    const summary = `${counts}; a simulated GPU proves nothing about hardware`;
    return { verdict: 'simulated', summary, remedy: null };
  }
  if (!passes.some(({ id }) => id.endsWith('.golden'))) {
    const nothing = toFailure(new CheckFailure('SELFTEST_NOTHING_COMPARED', ''));
    return {
      verdict: 'fail',
      summary: `nothing was compared on ${name}: ${nothing.code}`,
      remedy: nothing.remedy,
    };
  }
  const untested = kind === 'cpu' && reason !== null ? '; no GPU was tested' : '';
  return { verdict: 'pass', summary: `${counts} on ${name}${untested}`, remedy: null };
}

import type { Checklist } from './checklist.js';
import { CheckFailure, toFailure } from './failure.js';
import type { Figures, SelftestMode, SelftestReport, Verdict } from './report.js';
import type { Target } from './target.js';

export interface Outcome {
  readonly mode: SelftestMode;
  readonly target: Target;
  readonly seconds: number;
  readonly environment: Figures;
}

/** From the checks to one word, one sentence, and what to do. */
export function concludeReport(
  { checks, remedy }: Checklist,
  { mode, target, seconds, environment }: Outcome,
): SelftestReport {
  const count = (status: string) => checks.filter((check) => check.status === status).length;
  const passed = count('pass');
  const skipped = count('skip');
  const compared = checks.some(({ id, status }) => id.endsWith('.golden') && status === 'pass');
  const failures = checks.filter(({ status }) => status === 'fail');
  const isSimulated = target.kind === 'simulated';
  const verdict: Verdict =
    failures.length > 0 || (!compared && !isSimulated) ? 'fail' : isSimulated ? 'simulated' : 'pass';
  const common = {
    mode,
    device: target.name,
    passed,
    failed: failures.length,
    skipped,
    seconds,
    environment,
  };
  const date = new Date().toISOString();
  return { format: 1, verdict, ...conclusion(), ...common, date, checks };

  function conclusion(): Pick<SelftestReport, 'summary' | 'remedy'> {
    const ran = passed + failures.length;
    const [first] = failures;
    if (first !== undefined) {
      return {
        summary: `${failures.length} of ${ran} checks failed, the first of them ${first.id}: ${first.code}`,
        remedy,
      };
    }
    const skips = skipped === 0 ? '' : `, ${skipped} skipped`;
    if (isSimulated) {
      return {
        summary: `${passed} checks of the control flow passed${skips}; a simulated GPU proves nothing about hardware`,
        remedy: null,
      };
    }
    if (compared) return { summary: `${passed} checks passed on ${target.name}${skips}`, remedy: null };
    const nothing = toFailure(new CheckFailure('SELFTEST_NOTHING_COMPARED', ''));
    return { summary: `nothing was compared on ${target.name}: ${nothing.code}`, remedy: nothing.remedy };
  }
}

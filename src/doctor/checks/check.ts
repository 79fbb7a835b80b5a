/** What every check is made of. */
import type { CheckId, CheckResult, CheckStatus, Remedy } from '../report.js';
import type { Survey } from '../survey.js';

/** Judges one thing, knowing how the checks before it ended. */
export type Check = (survey: Survey, done: Done) => CheckResult;

export class Done {
  readonly results: CheckResult[] = [];

  /** The first of these that did not end well: what depends on it cannot be judged. */
  firstBroken(...ids: readonly CheckId[]): CheckId | undefined {
    return this.results.find(({ id, status }) => ids.includes(id) && isBroken(status))?.id;
  }
}

export function isBroken(status: CheckStatus): boolean {
  return status === 'missing' || status === 'failed';
}

interface More {
  readonly details?: readonly string[];
  readonly remedy?: Remedy | undefined;
}

export function result(
  id: CheckId,
  status: CheckStatus,
  summary: string,
  { details = [], remedy }: More = {},
): CheckResult {
  return { id, status, summary, details, ...(remedy === undefined ? {} : { remedy }) };
}

export const NO_CARD = 'there is no NVIDIA card';

/** When it makes no sense to look: without a card, or while something earlier is broken. */
export function skipWithout(
  id: CheckId,
  { hasCard }: Pick<Survey, 'hasCard'>,
  done: Done,
  ...needed: readonly CheckId[]
): CheckResult | undefined {
  if (!hasCard) return result(id, 'skipped', NO_CARD);
  const broken = done.firstBroken(...needed);
  return broken === undefined ? undefined : result(id, 'skipped', `repair ${broken} first`);
}

/** How a check fails: with a code, figures, and what to do first. */
import { type ErrorCode, LatentCacheError } from '../errors.js';
import type { Figures } from './report.js';

/** Of checks alone; what the package itself reports keeps its `ErrorCode`. */
const REMEDIES = {
  SELFTEST_DEVIATES:
    'Train with no cache from this device. Report this block; meanwhile use --precision fp32 if that passed, or --backend cpu.',
  SELFTEST_NOT_FINITE:
    'Train with no cache from this device. Report this block; meanwhile use --precision fp32 if that passed, or --backend cpu.',
  SELFTEST_NOT_REPEATABLE:
    'Switch overclocking off and test the memory of the device; if it stays, report this block.',
  SELFTEST_MEMORY_HELD: 'Report this block: memory that was freed did not come back.',
  SELFTEST_NO_REFUSAL: 'Report this block: the memory budget was not kept.',
  SELFTEST_WRONG_RESULT: 'Report this block.',
  SELFTEST_NOTHING_COMPARED: 'Look at the checks that were skipped, and why.',
  SELFTEST_UNEXPECTED: 'Report this block: it is an error of latent-cache.',
} as const;

export type SelftestCode = keyof typeof REMEDIES;
export type FailureCode = ErrorCode | SelftestCode;

export class CheckFailure extends Error {
  override readonly name = 'CheckFailure';

  constructor(
    readonly code: SelftestCode,
    message: string,
    readonly figures: Figures = {},
  ) {
    super(message);
  }
}

export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly remedy: string;
  readonly figures: Figures;
}

export function toFailure(error: unknown): Failure {
  if (error instanceof CheckFailure) {
    const { code, message, figures } = error;
    return { code, message, remedy: REMEDIES[code], figures };
  }
  if (error instanceof LatentCacheError) {
    const { code, message, remedy = 'docs/errors.md explains the code.', bytesAsked, bytesFree, op } = error;
    const figures = {
      ...(bytesAsked === undefined ? {} : { bytesAsked }),
      ...(bytesFree === undefined ? {} : { bytesFree }),
      ...(op === undefined ? {} : { op }),
    };
    return { code, message, remedy, figures };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'SELFTEST_UNEXPECTED', message, remedy: REMEDIES.SELFTEST_UNEXPECTED, figures: {} };
}

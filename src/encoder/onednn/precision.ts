/** What the CPU computes in: the fastest that keeps the accuracy asked for. */
import { LatentCacheError } from '../../errors.js';
import type { NetworkPrecision } from '../../native/binding.js';
import type { PrecisionName } from '../precision-names.js';

/** `float32` is what float32 arithmetic gives, up to the order of its sums; `bfloat16` what trainers get in bf16. */
export const ACCURACIES = ['float32', 'bfloat16'] as const;
export type Accuracy = (typeof ACCURACIES)[number];

const OF_ACCURACY: Record<Accuracy, readonly NetworkPrecision[]> = {
  float32: ['fp32', 'bf16x3'],
  bfloat16: ['fp32', 'bf16x3', 'bf16'],
};

export interface PrecisionChoice {
  readonly precision: NetworkPrecision;
  /** Why, when it was ours to choose: 'bf16x3 is the fastest of float32 accuracy here'. */
  readonly reason: string | null;
}

/**
 * @param accuracy that 'auto' keeps; a precision that is named needs none.
 * @param available on this machine, the fastest first.
 * @throws LatentCacheError ERR_OPTION for what this machine or this backend does not have.
 */
export function choosePrecision(
  asked: PrecisionName,
  accuracy: Accuracy,
  available: readonly NetworkPrecision[],
): PrecisionChoice {
  if (!ACCURACIES.includes(accuracy)) {
    throw new LatentCacheError(
      'ERR_OPTION',
      `accuracy must be ${ACCURACIES.join(' or ')}, got '${accuracy}'`,
    );
  }
  const isWanted = (candidate: NetworkPrecision) =>
    asked === 'auto' ? OF_ACCURACY[accuracy].includes(candidate) : candidate === asked;
  const precision = available.find(isWanted);
  if (precision === undefined) {
    const wanted = asked === 'auto' ? `a precision of ${accuracy} accuracy` : `precision ${asked}`;
    const needs = asked.startsWith('bf16') ? ', which needs AMX or AVX512_BF16' : '';
    throw new LatentCacheError(
      'ERR_OPTION',
      `This CPU does not have ${wanted}${needs}; it has ${available.join(', ')}`,
      { remedy: 'Use --precision auto.' },
    );
  }
  const reason = asked === 'auto' ? `${precision} is the fastest of ${accuracy} accuracy here` : null;
  return { precision, reason };
}

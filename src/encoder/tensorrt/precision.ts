import { LatentCacheError } from '../../errors.js';
import type { CudaDevice } from '../../native/binding.js';

/**
 * What convolutions compute in; norms and softmax always use float32. `tf32` stores float32 and multiplies with 10 bits
 * of the fraction, `fp16` scales the activations so that they stay in range.
 */
export const PRECISIONS = ['auto', 'fp32', 'tf32', 'bf16', 'fp16'] as const;
export type PrecisionName = (typeof PRECISIONS)[number];
export type Precision = Exclude<PrecisionName, 'auto'>;

/** The element type of the graph for each precision. */
export const ELEMENT_TYPES = {
  fp32: 'float32',
  tf32: 'float32',
  bf16: 'bfloat16',
  fp16: 'float16',
} as const satisfies Record<Precision, string>;

/** The first compute capability whose tensor cores know bf16 and tf32. */
const AMPERE = 8;

/**
 * auto is fp16: half the time of float32, and closer to it than bf16.
 *
 * @throws LatentCacheError ERR_OPTION when the GPU has no such arithmetic.
 */
export function choosePrecision(asked: PrecisionName, { name, computeCapability }: CudaDevice): Precision {
  if (!PRECISIONS.includes(asked)) {
    throw new LatentCacheError('ERR_OPTION', `precision must be ${PRECISIONS.join(' or ')}, got '${asked}'`);
  }
  const precision = asked === 'auto' ? 'fp16' : asked;
  if ((precision === 'bf16' || precision === 'tf32') && computeCapability[0] < AMPERE) {
    throw new LatentCacheError(
      'ERR_OPTION',
      `precision ${precision} needs a GPU of compute capability 8.0, ${name} has ${computeCapability.join('.')}`,
      { remedy: 'Use --precision fp16 or fp32.' },
    );
  }
  return precision;
}

import { LatentCacheError } from '../../errors.js';
import type { VaeFamily } from '../../model/architecture.js';
import type { CudaDevice } from '../../native/binding.js';
import type { PrecisionName } from '../precision-names.js';

const PRECISIONS = ['fp32', 'tf32', 'bf16', 'fp16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** The element type of the graph for each precision. */
export const ELEMENT_TYPES = {
  fp32: 'float32',
  tf32: 'float32',
  bf16: 'bfloat16',
  fp16: 'float16',
} as const satisfies Record<Precision, string>;

/** The first compute capability whose tensor cores know bf16 and tf32. */
const AMPERE = 8;

/** Why 'auto' takes fp16, for people. */
export function reasonForFp16(family: VaeFamily): string {
  const how = family === 'tiny' ? 'fp16' : 'fp16 with scaled activations, closer to float32 than bf16';
  return `${how}; images that overflow it are repeated in float32`;
}

/**
 * auto is fp16: half the time of float32, and closer to it than bf16.
 *
 * @throws LatentCacheError ERR_OPTION when the GPU has no such arithmetic.
 */
export function choosePrecision(
  asked: PrecisionName,
  { name, computeCapability }: Pick<CudaDevice, 'name' | 'computeCapability'>,
): Precision {
  const wanted = asked === 'auto' ? 'fp16' : asked;
  const precision = PRECISIONS.find((known) => known === wanted);
  if (precision === undefined) {
    throw new LatentCacheError(
      'ERR_OPTION',
      `The GPU's precision must be auto or one of ${PRECISIONS.join(', ')}, got '${asked}'`,
    );
  }
  if ((precision === 'bf16' || precision === 'tf32') && computeCapability[0] < AMPERE) {
    throw new LatentCacheError(
      'ERR_OPTION',
      `precision ${precision} needs a GPU of compute capability 8.0, ${name} has ${computeCapability.join('.')}`,
      { remedy: 'Use --precision fp16 or fp32.' },
    );
  }
  return precision;
}

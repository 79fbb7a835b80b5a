import type { VaeArchitecture } from '../../model/architecture.js';
import type { EngineShape } from '../../native/binding.js';
import { ELEMENT_TYPES, type Precision } from './precision.js';

/** A residual block at full size holds its input, its branch and the branch's next tensor. */
const TENSORS_ALIVE = 3;

/** Bytes of activations of one run, roughly: chooses how many images an engine is built for, and nothing else. */
export function estimateRunBytes(
  { widths }: VaeArchitecture,
  precision: Precision,
  { count, height, width }: EngineShape,
): number {
  const elementBytes = ELEMENT_TYPES[precision] === 'float32' ? 4 : 2;
  return TENSORS_ALIVE * count * height * width * widths[0]! * elementBytes;
}

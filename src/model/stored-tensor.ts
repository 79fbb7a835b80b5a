/** From a tensor as it is stored to the one that a layer takes: a third of its rows, the last tap of a 3-D conv. */
import type { VaeFamily } from './architecture.js';
import type { TensorSpec } from './layers.js';
import { thirdOf } from './layouts/layouts.js';

export interface StoredReading {
  /** The stored values are the layer's, as they are. */
  readonly isWhole: boolean;
  take(stored: Float32Array): Float32Array;
}

/** Of the causal convs, over time. */
const TAPS = 3;

/** How a tensor of the shape `stored` becomes what `spec` asks for; undefined when it cannot. */
export function readingOf(
  spec: TensorSpec,
  family: VaeFamily,
  stored: readonly number[],
): StoredReading | undefined {
  const expected = [rowsOf(spec, family), ...spec.shape.slice(1)];
  const third = thirdOf(spec.name, family);
  if (isSame(stored, expected, family)) {
    if (third === null) return { isWhole: expected[0] === spec.shape[0], take: (values) => values };
    return {
      isWhole: false,
      take: (values) => values.slice((third * values.length) / 3, ((third + 1) * values.length) / 3),
    };
  }
  const [outputs, inputs, height, width] = expected;
  const isCausal =
    family === 'qwen-image' && String(stored) === String([outputs, inputs, TAPS, height, width]);
  if (!isCausal || third !== null) return undefined;
  // a single frame sees the last tap only: the frames before it are zeros
  return { isWhole: false, take: (values) => lastTap(values, height! * width!) };
}

/** The weight of a 1×1 conv is also saved as a matrix, with the same bytes; a norm over channels with ones behind it. */
function isSame(stored: readonly number[], expected: readonly number[], family: VaeFamily): boolean {
  if (String(stored) === String(expected)) return true;
  const isPointwise = expected.length === 4 && expected[2] === 1;
  const is3d = family === 'qwen-image';
  if (!isPointwise && !(is3d && expected.length === 1)) return false;
  const [fewest, most] = isPointwise ? [2, is3d ? 5 : 4] : [1, 4];
  return (
    stored.length >= fewest && stored.length <= most && stored.every((side, i) => side === (expected[i] ?? 1))
  );
}

/** The first side of the stored tensor. */
function rowsOf({ name, shape }: TensorSpec, family: VaeFamily): number {
  const first = shape[0]!;
  if (thirdOf(name, family) !== null) return 3 * first;
  return family === 'tiny' && name.startsWith('encoder.conv_out.') ? first / 2 : first;
}

function lastTap(values: Float32Array, pixels: number): Float32Array {
  const kernels = values.length / (TAPS * pixels);
  const result = new Float32Array(kernels * pixels);
  for (let kernel = 0; kernel < kernels; kernel++) {
    const start = (kernel * TAPS + TAPS - 1) * pixels;
    result.set(values.subarray(start, start + pixels), kernel * pixels);
  }
  return result;
}

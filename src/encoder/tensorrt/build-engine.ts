import type { Size } from '../../dataset/bucket.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import type { PreparationProgress, SampleImage } from '../encoder.js';
import { createTensorrtEncoder, type TensorrtOptions } from './create-encoder.js';

export interface EngineBuildOptions extends TensorrtOptions {
  /** Some images like those that will be encoded; fp16 chooses its scales by them. Without any it uses drawn ones. */
  readonly samples?: readonly SampleImage[];
  /** Called once a second at least, with the phase and the time since it began: how much is left is not to be had. */
  readonly onProgress?: (progress: PreparationProgress) => void;
}

/**
 * Compiles the engine for images of one size into the engine cache, unless it is there. An encoder with the same
 * options finds it. The build runs in a process of its own, which `signal` ends at once.
 *
 * @param size in pixels.
 * @throws LatentCacheError (as rejection) as `createTensorrtEncoder` and `TensorrtEncoder.prepare`; ERR_GRAPH_LIMIT when
 * the size is too large for the network.
 */
export async function buildEngine(
  weights: VaeEncoderWeights,
  { width, height }: Size,
  options: EngineBuildOptions = {},
): Promise<void> {
  const { samples = [], onProgress, signal } = options;
  const encoder = await createTensorrtEncoder(weights, options);
  try {
    await encoder.prepare([{ width, height, images: 1 }], {
      samples: async () => samples,
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    });
    // a size that cannot be built is left out above; this names the reason
    await encoder.memory.needs({ width, height }, 1);
  } finally {
    await encoder.dispose();
  }
}

/** Chooses the backend. Others than the CPU join here. */
import { LatentCacheError } from '../errors.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import type { Encoder } from './encoder.js';
import { createOnnxruntimeEncoder } from './onnxruntime-encoder.js';

export const BACKENDS = ['auto', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

export interface CreateEncoderOptions {
  /** Default 'auto'. */
  readonly backend?: BackendName;
  /** CPU threads; default: all processors that this process may use. */
  readonly threads?: number;
  /** See `OnnxruntimeOptions`. */
  readonly consumeWeights?: boolean;
  readonly signal?: AbortSignal;
}

export interface SelectedEncoder {
  readonly encoder: Encoder;
  /** Why this backend, in a few words: 'asked for by --backend'. */
  readonly reason: string;
}

/**
 * @throws LatentCacheError ERR_OPTION for an unknown backend, and what the backend throws: ERR_BACKEND_MISSING,
 * ERR_ADDON_MISSING, ERR_ABORTED, ERR_OUT_OF_MEMORY, ERR_ENCODER.
 */
export async function createEncoder(
  weights: VaeEncoderWeights,
  { backend = 'auto', threads, consumeWeights = false, signal }: CreateEncoderOptions = {},
): Promise<SelectedEncoder> {
  if (!BACKENDS.includes(backend)) {
    throw new LatentCacheError(
      'ERR_OPTION',
      `expected one of ${BACKENDS.join(', ')} as backend, got ${backend}`,
    );
  }
  const encoder = await createOnnxruntimeEncoder(weights, {
    consumeWeights,
    ...(threads === undefined ? {} : { threads }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { encoder, reason: backend === 'cpu' ? 'asked for' : 'the only backend of this version' };
}

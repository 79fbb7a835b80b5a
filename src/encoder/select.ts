/** Chooses the backend. */
import { type ErrorCode, LatentCacheError } from '../errors.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import type { Encoder } from './encoder.js';
import { createOnnxruntimeEncoder } from './onnxruntime-encoder.js';
import {
  createTensorrtEncoder,
  type TensorrtOptions,
  type TensorrtSeams,
} from './tensorrt/create-encoder.js';

export const BACKENDS = ['auto', 'tensorrt', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Options of the GPU are ignored where the CPU encodes, but for a precision that it does not have. */
export interface CreateEncoderOptions extends TensorrtOptions {
  /** Default 'auto': TensorRT where it and a GPU can be used, else the CPU. */
  readonly backend?: BackendName;
  /** CPU threads; default: all processors that this process may use. */
  readonly threads?: number;
  /** See `OnnxruntimeOptions`. */
  readonly consumeWeights?: boolean;
}

export interface SelectedEncoder {
  readonly encoder: Encoder;
  /** Why this backend, in a few words: 'asked for', 'no GPU: …'. */
  readonly reason: string;
}

/** What 'auto' takes as "there is no GPU to use"; everything else is a failure that the user wants to know. */
const NOT_THERE: readonly ErrorCode[] = [
  'ERR_ADDON_MISSING',
  'ERR_BACKEND_MISSING',
  'ERR_CUDA_MISSING',
  'ERR_CUDA_DRIVER',
  'ERR_NO_DEVICE',
  'ERR_TENSORRT_MISSING',
  'ERR_TENSORRT_TOO_OLD',
  'ERR_TENSORRT_MAJOR',
];

/**
 * @throws LatentCacheError ERR_OPTION for an unknown backend or what it cannot do, and what the backend throws; see
 * `createTensorrtEncoder` and `createOnnxruntimeEncoder`.
 */
export async function createEncoder(
  weights: VaeEncoderWeights,
  options: CreateEncoderOptions = {},
  seams: TensorrtSeams = {},
): Promise<SelectedEncoder> {
  const { backend = 'auto' } = options;
  switch (backend) {
    case 'tensorrt':
      return { encoder: await createTensorrtEncoder(weights, options, seams), reason: 'asked for' };
    case 'cpu':
      refusePrecision(options);
      return { encoder: await createCpuEncoder(weights, options), reason: 'asked for' };
    case 'auto':
      return chooseEncoder(weights, options, seams);
    default:
      throw new LatentCacheError(
        'ERR_OPTION',
        `expected one of ${BACKENDS.join(', ')} as backend, got ${String(backend)}`,
      );
  }
}

async function chooseEncoder(
  weights: VaeEncoderWeights,
  options: CreateEncoderOptions,
  seams: TensorrtSeams,
): Promise<SelectedEncoder> {
  let reason: string;
  try {
    const encoder = await createTensorrtEncoder(weights, options, seams);
    return { encoder, reason: 'a GPU and TensorRT are there' };
  } catch (error) {
    if (!(error instanceof LatentCacheError && NOT_THERE.includes(error.code))) throw error;
    reason = `no GPU: ${error.message}`;
  }
  try {
    return { encoder: await createCpuEncoder(weights, options), reason };
  } catch (error) {
    if (!(error instanceof LatentCacheError && error.code === 'ERR_BACKEND_MISSING')) throw error;
    const { code, message, remedy } = error;
    throw new LatentCacheError(code, `${message}; ${reason}`, { remedy, cause: error });
  }
}

function createCpuEncoder(weights: VaeEncoderWeights, options: CreateEncoderOptions): Promise<Encoder> {
  const { threads, queryChunks, consumeWeights = false, signal } = options;
  return createOnnxruntimeEncoder(weights, {
    consumeWeights,
    ...(threads === undefined ? {} : { threads }),
    ...(queryChunks === undefined ? {} : { queryChunks }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function refusePrecision({ precision = 'auto' }: CreateEncoderOptions): void {
  if (precision === 'auto' || precision === 'fp32') return;
  throw new LatentCacheError('ERR_OPTION', `The CPU encodes in fp32 only, got precision ${precision}`, {
    remedy: 'Leave --precision out, or use --backend tensorrt.',
  });
}

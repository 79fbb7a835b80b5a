/** Chooses the backend. */
import { type ErrorCode, LatentCacheError } from '../errors.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import type { Encoder } from './encoder.js';
import {
  type CpuEncoderOptions,
  type CpuSeams,
  selectCpuEncoder,
  selectOnednn,
  selectOnnxruntime,
} from './select-cpu.js';
import { createSimulatedEncoder } from './sim/create-encoder.js';
import { SIMULATED_BACKENDS, type SimulatedBackend, simulatedCardOf } from './sim/profiles.js';
import {
  createTensorrtEncoder,
  type TensorrtOptions,
  type TensorrtSeams,
} from './tensorrt/create-encoder.js';
import { reasonForFp16 } from './tensorrt/precision.js';

export const BACKENDS = ['auto', 'tensorrt', 'cpu', 'onednn', 'onnxruntime', ...SIMULATED_BACKENDS] as const;
export type BackendName = (typeof BACKENDS)[number];

/** A backend ignores options that are another's, but refuses a precision that it does not have. */
export interface CreateEncoderOptions extends TensorrtOptions, CpuEncoderOptions {
  /**
   * Default 'auto': TensorRT where it and a GPU can be used, else 'cpu', which is oneDNN where its plug-in can be used,
   * else onnxruntime. 'sim:…' is a simulated GPU, whose latents are good for tests only.
   */
  readonly backend?: BackendName;
}

/** What a test replaces. */
export interface SelectSeams extends TensorrtSeams, CpuSeams {}

export interface SelectedEncoder {
  readonly encoder: Encoder;
  /** Why this backend and precision: 'asked for', 'no GPU: …; bf16x3 is the fastest of float32 accuracy here'. */
  readonly reason: string;
}

/** What 'auto' takes as "there is no GPU to use"; everything else is a failure that the user wants to know. */
export const NOT_THERE: readonly ErrorCode[] = [
  'ERR_ADDON_MISSING',
  'ERR_BACKEND_MISSING',
  'ERR_CUDA_MISSING',
  'ERR_CUDA_DRIVER',
  'ERR_NO_DEVICE',
  'ERR_TENSORRT_MISSING',
  'ERR_TENSORRT_TOO_OLD',
  'ERR_TENSORRT_MAJOR',
];

const ASKED = 'asked for';

/**
 * Opens the encoder that was asked for, or the fastest that works here, and says why it is that one.
 *
 * @throws LatentCacheError ERR_OPTION for an unknown backend or what it cannot do, and what the backend throws; see
 * `createTensorrtEncoder`, `createOnednnEncoder`, `createOnnxruntimeEncoder` and `createSimulatedEncoder`.
 */
export async function createEncoder(
  weights: VaeEncoderWeights,
  options: CreateEncoderOptions = {},
  seams: SelectSeams = {},
): Promise<SelectedEncoder> {
  const { backend = 'auto' } = options;
  switch (backend) {
    case 'tensorrt':
      return onGpu(await createTensorrtEncoder(weights, options, seams), ASKED, weights, options);
    case 'cpu':
      return selectCpuEncoder(weights, options, ASKED, seams);
    case 'onednn':
      return selectOnednn(weights, options, ASKED, seams);
    case 'onnxruntime':
      return selectOnnxruntime(weights, options, ASKED, seams);
    case 'auto':
      return chooseEncoder(weights, options, seams);
    default:
      return onGpu(await simulate(weights, options, backend), ASKED, weights, options);
  }
}

/** @param reason why the GPU; why its precision is added to it, where that was ours to choose. */
function onGpu(
  encoder: Encoder,
  reason: string,
  { architecture }: VaeEncoderWeights,
  { precision = 'auto' }: CreateEncoderOptions,
): SelectedEncoder {
  return {
    encoder,
    reason: precision === 'auto' ? `${reason}; ${reasonForFp16(architecture.family)}` : reason,
  };
}

async function simulate(
  weights: VaeEncoderWeights,
  options: CreateEncoderOptions,
  backend: SimulatedBackend,
): Promise<Encoder> {
  const card = simulatedCardOf(backend);
  if (card !== undefined) return createSimulatedEncoder(weights.architecture, { ...options, card });
  throw new LatentCacheError(
    'ERR_OPTION',
    `expected one of ${BACKENDS.join(', ')} as backend, got ${String(backend)}`,
  );
}

async function chooseEncoder(
  weights: VaeEncoderWeights,
  options: CreateEncoderOptions,
  seams: SelectSeams,
): Promise<SelectedEncoder> {
  try {
    const encoder = await createTensorrtEncoder(weights, options, seams);
    return onGpu(encoder, 'a GPU and TensorRT are there', weights, options);
  } catch (error) {
    if (!(error instanceof LatentCacheError && NOT_THERE.includes(error.code))) throw error;
    return selectCpuEncoder(weights, options, `no GPU: ${error.message}`, seams);
  }
}

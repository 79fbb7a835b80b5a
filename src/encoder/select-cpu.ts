/** Which of the two CPU backends encodes: oneDNN where its plug-in opens, else onnxruntime. */
import { LatentCacheError } from '../errors.js';
import type { VaeEncoderWeights } from '../model/load-vae.js';
import { createOnednnEncoder, type OnednnOptions, type OnednnSeams } from './onednn/create-encoder.js';
import {
  createOnnxruntimeEncoder,
  type OnnxruntimeOptions,
  type OnnxruntimeSeams,
} from './onnxruntime-encoder.js';
import type { SelectedEncoder } from './select.js';

export interface CpuEncoderOptions extends OnednnOptions, Pick<OnnxruntimeOptions, 'queryChunks'> {}

/** What a test replaces. */
export interface CpuSeams {
  readonly onednn?: OnednnSeams;
  readonly onnxruntime?: OnnxruntimeSeams;
}

/** @param reason why the CPU at all; what decided among its backends is added to it. */
export async function selectCpuEncoder(
  weights: VaeEncoderWeights,
  options: CpuEncoderOptions,
  reason: string,
  seams: CpuSeams,
): Promise<SelectedEncoder> {
  try {
    return await selectOnednn(weights, options, reason, seams);
  } catch (error) {
    if (!(error instanceof LatentCacheError && error.code === 'ERR_BACKEND_MISSING')) throw error;
    return selectOnnxruntime(weights, options, `${reason}; no oneDNN: ${error.message}`, seams);
  }
}

export async function selectOnednn(
  weights: VaeEncoderWeights,
  options: CpuEncoderOptions,
  reason: string,
  { onednn }: CpuSeams,
): Promise<SelectedEncoder> {
  const encoder = await createOnednnEncoder(weights, options, onednn);
  const { precisionReason } = encoder;
  return { encoder, reason: precisionReason === null ? reason : `${reason}; ${precisionReason}` };
}

const ONNXRUNTIME_HAS = 'fp32 is all that onnxruntime encodes in here';

export async function selectOnnxruntime(
  weights: VaeEncoderWeights,
  options: CpuEncoderOptions,
  reason: string,
  { onnxruntime }: CpuSeams,
): Promise<SelectedEncoder> {
  const { precision = 'auto' } = options;
  if (precision !== 'auto' && precision !== 'fp32') {
    throw new LatentCacheError(
      'ERR_OPTION',
      `onnxruntime encodes in fp32 only, got precision ${precision} (${reason})`,
      { remedy: 'Leave --precision out, or use another --backend.' },
    );
  }
  try {
    const encoder = await createOnnxruntimeEncoder(weights, options, onnxruntime);
    return { encoder, reason: precision === 'auto' ? `${reason}; ${ONNXRUNTIME_HAS}` : reason };
  } catch (error) {
    if (!(error instanceof LatentCacheError && error.code === 'ERR_BACKEND_MISSING')) throw error;
    const { code, message, remedy } = error;
    throw new LatentCacheError(code, `${message} (${reason})`, { remedy, cause: error });
  }
}

import type { LatentDtype } from '../cache/latent-entry.js';
import type { Dtype } from '../model/safetensors/dtypes.js';
import type { BuildOptions, Target } from './options.js';

const NAMES: Readonly<Partial<Record<Dtype, LatentDtype>>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/**
 * Targets whose trainer stores latents in the type of the VAE's file get it, unless another was asked for.
 *
 * @param dtypes of the encoder's tensors in the file; none where it is not known
 */
export function withDtypeOfVae(
  targets: readonly [Target, ...Target[]],
  { dtype }: Pick<BuildOptions, 'dtype'>,
  dtypes: readonly Dtype[],
): readonly [Target, ...Target[]] {
  const [first] = dtypes;
  const stored = first && NAMES[first];
  if (dtype !== undefined || stored === undefined) return targets;
  const change = (target: Target): Target =>
    target.trainer.takesDtypeOfVae ? { ...target, dtype: stored } : target;
  const [head, ...others] = targets;
  return [change(head), ...others.map(change)];
}

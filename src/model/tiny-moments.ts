/**
 * A tiny encoder gives one latent, already normalised by the shift and scale of its model. Its last conv is rewritten
 * to give moments as every other encoder does: raw means, and a log variance of which nothing is left.
 */
import type { Normalisation } from './catalog.js';
import { tensorOf } from './layers.js';

/** exp(−15) is the standard deviation: 3e-7. */
const LOGVAR = -30;

type Affine = Extract<Normalisation, { kind: 'affine' }>;

/**
 * @param tensors `encoder.conv_out` as it was stored, z outputs; replaced by 2z: out / scale + shift in float64,
 * rounded once, then zeros with a bias of −30.
 */
export function addTinyMoments(tensors: Map<string, Float32Array>, { scale, shift }: Affine): void {
  const doubled = (name: string, raw: (value: number) => number, behind: number) => {
    const values = tensorOf(tensors, name);
    const result = new Float32Array(2 * values.length).fill(behind);
    for (const [i, value] of values.entries()) result[i] = raw(value);
    tensors.set(name, result);
  };
  doubled('encoder.conv_out.weight', (value) => value / scale, 0);
  doubled('encoder.conv_out.bias', (value) => value / scale + shift, LOGVAR);
}

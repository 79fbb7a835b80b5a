// TEMPORARY
import { Buffer } from 'node:buffer';
import { LatentCacheError } from '../../errors.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
export type ElementType = 'float32' | 'float16' | 'bfloat16';
export interface GraphInit {
  name: string;
  type: string;
  values: Float32Array | Uint16Array;
  source?: { path: string; offset: number; bytes: number } | null;
}
export interface EncoderGraph {
  initializers: GraphInit[];
  text: string;
}
export function buildEncoderGraph(
  weights: VaeEncoderWeights,
  o: { type: ElementType; size: { width: number; height: number } | 'dynamic'; queryChunks: number },
): EncoderGraph {
  return {
    initializers: [...weights.tensors].map(([name, values]) => ({
      name,
      type: o.type,
      values: o.type === 'float32' ? values : new Uint16Array(values.length),
      source: null,
    })),
    text: JSON.stringify(o),
  };
}
export function buildProbeGraph(
  weights: VaeEncoderWeights,
  size: { width: number; height: number },
): EncoderGraph {
  return {
    initializers: [...weights.tensors].map(([name, values]) => ({
      name,
      type: 'float32',
      values,
      source: null,
    })),
    text: JSON.stringify({ probe: size }),
  };
}
export function encodeModel(g: EncoderGraph, _o: { external: boolean }): Uint8Array {
  return Buffer.from(g.text);
}
export function checkGraph(_g: EncoderGraph, s: { count: number; height: number; width: number }): void {
  if (128 * s.count * s.height * s.width >= 2 ** 31)
    throw new LatentCacheError('ERR_GRAPH_LIMIT', 'too large');
}
export interface Rescaling {
  readonly exponents: readonly number[];
}
export function chooseRescaling(_l: unknown, m: readonly Float32Array[]): Rescaling {
  return { exponents: [m.length] };
}
export function rescale(w: VaeEncoderWeights, _r: Rescaling): VaeEncoderWeights {
  return w;
}

/** What to tell when not even one image of a size fits. */

import { sizeName } from '../dataset/size.js';
import type { EncoderInfo } from '../encoder/encoder.js';
import { mebibytes } from '../mebibytes.js';

import type { BucketPlan } from './plan-buckets.js';

/** Resolutions are named in steps of what buckets are multiples of. */
const STEP = 64;

/**
 * @param info of the encoder that the image does not fit
 * @param usable bytes that weights and runs together may take
 */
export function describeMisfit(plan: BucketPlan, info: EncoderInfo, usable: number): string {
  const { weightBytes } = plan.needs;
  return (
    `One image of ${sizeName(plan)} needs ${mebibytes(plan.bytes)} (${mebibytes(weightBytes)} of it weights), ` +
    `${mebibytes(usable)} may be used; ${plan.images} images are concerned. ` +
    `What fits: ${remedies(plan, info, usable).join(', or ')}`
  );
}

function remedies(plan: BucketPlan, { backend, precision }: EncoderInfo, usable: number): string[] {
  const { width, height, needs } = plan;
  const found: string[] = [];
  // Activations grow with the area, attention scores faster: what is named here fits for certain.
  const scale = Math.sqrt(Math.max(0, usable - needs.weightBytes) / needs.arenaBytes);
  const side = Math.floor((Math.sqrt(width * height) * scale) / STEP) * STEP;
  if (side >= STEP) found.push(`a --resolution of ${side}`);
  if (backend === 'cpu') return [...found, 'a larger --vram-budget'];
  found.push('perhaps attention in smaller pieces, which is tried first');
  if (precision === 'fp32' || precision === 'tf32')
    found.push('--precision fp16, with half of the activations');
  return [
    ...found,
    'a larger --vram-budget',
    'the CPU (--backend cpu, or --oom-fallback cpu for these images)',
  ];
}

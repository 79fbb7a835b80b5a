/** What to tell when not even one image of a size fits. */

import { mebibytes, sizeName } from './events.js';
import type { BucketPlan } from './plan-buckets.js';

/** Resolutions are named in steps of what buckets are multiples of. */
const STEP = 64;

/** @param usable bytes that weights and runs together may take */
export function describeMisfit(plan: BucketPlan, usable: number): string {
  const { weightBytes, arenaBytes } = plan.needs;
  return (
    `One image of ${sizeName(plan)} needs ${mebibytes(plan.bytes)} (${mebibytes(weightBytes)} of it weights), ` +
    `${mebibytes(usable)} may be used; ${plan.images} images are concerned. ${whatFits(plan, usable - weightBytes, arenaBytes)}`
  );
}

function whatFits({ width, height }: BucketPlan, left: number, arenaBytes: number): string {
  const others = 'a larger --vram-budget, or the CPU (--backend cpu, or --oom-fallback cpu for these images)';
  // Activations grow with the area, attention scores faster: what is named here fits for certain.
  const scale = Math.sqrt(Math.max(0, left) / arenaBytes);
  const side = Math.floor((Math.sqrt(width * height) * scale) / STEP) * STEP;
  return side >= STEP ? `What fits: a --resolution of ${side}, ${others}` : `What helps: ${others}`;
}

import { LatentCacheError } from '../../errors.js';
import type { DeviceMemory } from '../../native/binding.js';

/** 'auto', bytes, or a part of the whole card: `{ fraction: 0.75 }`. */
export type VramBudget = 'auto' | number | { readonly fraction: number };

/** The CUDA context and the code of kernels are outside of any budget. */
const RESERVE_BYTES = 256 * 2 ** 20;
const FREE_PART = 0.9;

/**
 * Bytes of device memory that engines and runs together may take: the limit asked for, and never more than 90 % of
 * what is free, less a reserve. Some drivers move to host memory beyond that instead of failing, and crawl.
 *
 * @throws LatentCacheError ERR_OPTION for a budget that is none, ERR_DEVICE_OUT_OF_MEMORY when others have it all.
 */
export function resolveBudget(budget: VramBudget, { free, total }: DeviceMemory): number {
  const usable = Math.floor(free * FREE_PART) - RESERVE_BYTES;
  if (usable <= 0) {
    throw new LatentCacheError(
      'ERR_DEVICE_OUT_OF_MEMORY',
      'Other programs use nearly all memory of the GPU',
      {
        bytesAsked: RESERVE_BYTES,
        bytesFree: free,
        remedy: 'Close what else uses the GPU, or choose another one with --device.',
      },
    );
  }
  checkBudget(budget);
  if (budget === 'auto') return usable;
  return Math.min(usable, typeof budget === 'number' ? budget : Math.floor(budget.fraction * total));
}

/** @throws LatentCacheError ERR_OPTION for a budget that is none. */
export function checkBudget(budget: VramBudget): VramBudget {
  const isOne =
    budget === 'auto' ||
    (typeof budget === 'number'
      ? Number.isSafeInteger(budget) && budget > 0
      : budget.fraction > 0 && budget.fraction <= 1);
  if (isOne) return budget;
  throw new LatentCacheError(
    'ERR_OPTION',
    `vram_budget must be auto, a positive number of bytes or a part of the card up to 100 %, got ${JSON.stringify(budget)}`,
  );
}

import { LatentCacheError } from '../errors.js';
import type { DeviceMemory } from '../native/binding.js';

/**
 * 'auto', bytes, or a part of all memory of the device: `{ fraction: 0.75 }`. On the CPU it is main memory. `{ agreed }` is
 * what an earlier encoder of the same run was given: it holds although others have the memory just now.
 */
export type VramBudget = 'auto' | number | { readonly fraction: number } | { readonly agreed: number };

/** How much of a kind of memory may be taken at all. */
export interface MemoryRules {
  /** Of what is free. */
  readonly freePart: number;
  /** Left for what no budget counts. */
  readonly reserveBytes: number;
  /** When nothing is left. */
  readonly message: string;
  readonly remedy: string;
}

const MIB = 2 ** 20;

/** CUDA's context and the code of kernels are outside of any budget. */
export const GPU_MEMORY: MemoryRules = {
  freePart: 0.9,
  reserveBytes: 256 * MIB,
  message: 'Other programs use nearly all memory of the GPU',
  remedy: 'Close what else uses the GPU, or choose another one with --device.',
};

/** Decoded pixels, JavaScript and other programs live in the same memory. */
export const CPU_MEMORY: MemoryRules = {
  freePart: 0.8,
  reserveBytes: 0,
  message: 'Nearly all memory of this machine is in use',
  remedy: 'Close other programs, or give this one more memory.',
};

/**
 * Bytes that engines and runs together may take: the limit asked for, and never more than the rules allow. A device
 * that is asked for more than is free may swap instead of failing, and crawl.
 *
 * @throws LatentCacheError ERR_OPTION for a budget that is none, ERR_DEVICE_OUT_OF_MEMORY when others have it all.
 */
export function resolveBudget(
  budget: VramBudget,
  { free, total }: DeviceMemory,
  { freePart, reserveBytes, message, remedy }: MemoryRules,
): number {
  checkBudget(budget);
  if (typeof budget === 'object' && 'agreed' in budget) return budget.agreed;
  const usable = Math.floor(free * freePart) - reserveBytes;
  if (usable <= 0) {
    throw new LatentCacheError('ERR_DEVICE_OUT_OF_MEMORY', message, {
      bytesAsked: Math.max(1, reserveBytes),
      bytesFree: free,
      remedy,
    });
  }
  if (budget === 'auto') return usable;
  return Math.min(usable, typeof budget === 'number' ? budget : Math.floor(budget.fraction * total));
}

/** @throws LatentCacheError ERR_OPTION for a budget that is none. */
export function checkBudget(budget: VramBudget): VramBudget {
  const isOne =
    budget === 'auto' ||
    (typeof budget === 'number'
      ? isSize(budget)
      : 'agreed' in budget
        ? isSize(budget.agreed)
        : isPart(budget.fraction));
  if (isOne) return budget;
  throw new LatentCacheError(
    'ERR_OPTION',
    `vram_budget must be auto, a positive number of bytes or a part of the memory up to 100 %, got ${JSON.stringify(budget)}`,
  );
}

const isSize = (bytes: number) => Number.isSafeInteger(bytes) && bytes > 0;
const isPart = (fraction: number) => fraction > 0 && fraction <= 1;

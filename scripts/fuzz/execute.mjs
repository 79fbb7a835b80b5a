import { readFileSync, writeFileSync } from 'node:fs';
import { LatentCacheError } from '../../dist/errors.js';

/** No parser may need more memory than this, for whatever input. */
export const MEMORY_LIMIT_BYTES = 512 * 2 ** 20;
/** Processor time that one input may take. */
export const TIME_LIMIT_SECONDS = 2;

/**
 * Gives a parser one input, in memory and as `file`.
 *
 * @returns what is wrong; undefined for a value and for a LatentCacheError
 */
export async function execute(target, bytes, file) {
  writeFileSync(file, bytes);
  try {
    await target.run(bytes, file);
  } catch (error) {
    if (error instanceof LatentCacheError) return undefined;
    return {
      kind: error?.name ?? 'thrown',
      message: String(error?.message ?? error),
      stack: error?.stack ?? '',
    };
  }
  return undefined;
}

/** Most memory that the process has held since `resetPeak`, or since it began. */
export function peakBytes() {
  const status = readFileSync('/proc/self/status', 'latin1');
  return Number(/VmHWM:\s+(\d+)/.exec(status)[1]) * 1024;
}

/** Linux forgets the peak of a process that asks for it. */
export function resetPeak() {
  writeFileSync('/proc/self/clear_refs', '5');
}

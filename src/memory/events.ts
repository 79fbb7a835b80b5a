import type { Size } from '../dataset/bucket.js';

/** What was done about memory, or about a result that memory or precision spoiled. `docs/events.md` has them all. */
export type MemoryAction =
  | 'does-not-fit'
  | 'not-resident'
  | 'retry'
  | 'smaller'
  | 'squeezed'
  | 'larger'
  | 'sliced'
  | 'cpu'
  | 'gave-up'
  | 'leak'
  | 'spill';

export interface MemoryEvent {
  readonly type: 'memory';
  readonly action: MemoryAction;
  /** One sentence with the numbers. */
  readonly message: string;
  readonly bucket: Size | null;
  /** Images a run from now on; null where nothing was decided about it. */
  readonly batch: number | null;
}

export function memoryEvent(
  action: MemoryAction,
  message: string,
  bucket: Size | null = null,
  batch: number | null = null,
): MemoryEvent {
  const size = bucket === null ? null : { width: bucket.width, height: bucket.height };
  return { type: 'memory', action, message, bucket: size, batch };
}

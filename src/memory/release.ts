/** Giving memory back, and looking whether it really came back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Size } from '../dataset/bucket.js';
import type { EncoderMemory } from '../encoder/encoder.js';

const MIB = 2 ** 20;
/** Drivers free in blocks, and other programs live on the same device. */
export const TOLERANCE_BYTES = 64 * MIB;
const TOLERANCE_PART = 1 / 8;
/** Freeing may be asynchronous, and another program may have taken memory at this very moment: looked at so often. */
const LOOKS = 4;
const PAUSE_MS = 50;

/**
 * Frees what is not needed for `keep`, and compares the device's free memory before and after with what the encoder
 * says that it gave back. Nothing may be running.
 *
 * @returns bytes that did not come back; 0 when all did, or when nobody can tell
 */
export async function releaseMemory(memory: EncoderMemory, keep: Size | null): Promise<number> {
  const usedBefore = memory.held().used;
  const freeBefore = await freeBytes(memory);
  await memory.release(keep);
  const released = usedBefore - memory.held().used;
  // Main memory is shared with everything else of this process: a difference says nothing there.
  if (memory.kind === 'host' || freeBefore === undefined || released <= TOLERANCE_BYTES) return 0;
  let missing = 0;
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) await sleep(PAUSE_MS);
    const free = await freeBytes(memory);
    if (free === undefined) return 0;
    missing = released - (free - freeBefore);
    if (missing <= Math.max(TOLERANCE_BYTES, released * TOLERANCE_PART)) return 0;
  }
  return missing;
}

function freeBytes(memory: EncoderMemory): Promise<number | undefined> {
  return memory.read().then(
    ({ free }) => free,
    () => undefined,
  );
}

/** Whether memory comes back: by the counters of every device that was opened, and by what the driver sees. */
import { setTimeout as sleep } from 'node:timers/promises';
import { releaseMemory, TOLERANCE_BYTES } from '../../memory/release.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import { type Checklist, Skip } from '../checklist.js';
import { encode } from '../encoding.js';
import { CheckFailure } from '../failure.js';
import { seededImage } from '../seeded-images.js';
import type { Target } from '../target.js';
import { LARGE, SIZE, SIZES } from './sizes.js';

const CYCLES = 3;
/** Many times the tolerance in one run, where the device's free memory is looked at. */
const IMAGES = 4;
/** Freeing may be asynchronous. */
const LOOKS = 10;
const PAUSE_MS = 200;

export async function checkMemoryReturns(
  list: Checklist,
  target: Target,
  weights: VaeEncoderWeights,
): Promise<void> {
  await list.run('memory.returns', `memory is as before after ${CYCLES} encoders, to 64 MiB`, async () => {
    const { readMemory } = target;
    // the first one may load code of kernels, which the driver keeps
    const during = [await useAndEnd(target, weights, list.signal)];
    const before = await readMemory?.();
    for (let cycle = 0; cycle < CYCLES; cycle++) during.push(await useAndEnd(target, weights, list.signal));
    const heldBytes = Math.max(...during);
    if (readMemory === null || before === undefined) return { heldBytes };
    let missing = 0;
    for (let look = 0; look < LOOKS; look++) {
      if (look > 0) await sleep(PAUSE_MS);
      missing = before.free - (await readMemory()).free;
      if (missing <= TOLERANCE_BYTES) return { heldBytes, freeBytes: before.free, missingBytes: missing };
    }
    throw new CheckFailure(
      'SELFTEST_MEMORY_HELD',
      'the device has less memory free than before, or another program took some meanwhile',
      { heldBytes, freeBytes: before.free, missingBytes: missing },
    );
  });
}

/** @returns bytes that it held while it lived */
async function useAndEnd(target: Target, weights: VaeEncoderWeights, signal: AbortSignal): Promise<number> {
  const encoder = await target.open(weights);
  let held = 0;
  try {
    const [size, count] = target.readMemory === null ? [SIZE, 1] : [LARGE, IMAGES];
    const image = seededImage('ramps', 40, size.height, size.width);
    const batch = { ...size, images: Array.from({ length: count }, () => image) };
    await encoder.prepare?.(SIZES, { signal });
    await encode(encoder, batch, signal);
    const { memory } = encoder;
    if (memory === undefined) return 0;
    held = memory.held().used;
    const missingBytes = await releaseMemory(memory, null);
    if (missingBytes > 0) {
      throw new CheckFailure('SELFTEST_MEMORY_HELD', 'bytes that were freed did not come back', {
        missingBytes,
      });
    }
    await encode(encoder, batch, signal);
  } finally {
    await encoder.dispose();
  }
  const heldBytes = encoder.memory?.held().used ?? 0;
  if (heldBytes > 0) {
    throw new CheckFailure('SELFTEST_MEMORY_HELD', 'bytes are held after the end', { heldBytes });
  }
  return held;
}

/** At the very end, when no encoder lives any more. */
export async function checkCounters(list: Checklist, target: Target): Promise<void> {
  await list.run('memory.counters', 'every device that was opened holds nothing any more', async () => {
    const counters = target.watch.counters();
    if (counters.length === 0) throw new Skip('this encoder opens no device of ours');
    const sum = (of: (each: (typeof counters)[number]) => number) =>
      counters.reduce((total, each) => total + of(each), 0);
    const figures = {
      devices: counters.length,
      heldBytes: sum(({ memoryUsed }) => memoryUsed),
      engines: sum(({ enginesLoaded }) => enginesLoaded),
      calls: sum(({ waiting, running }) => waiting + running),
      peakBytes: Math.max(...counters.map(({ memoryPeak }) => memoryPeak)),
      denied: sum(({ memoryDenied }) => memoryDenied),
    };
    if (figures.heldBytes + figures.engines + figures.calls > 0) {
      throw new CheckFailure('SELFTEST_MEMORY_HELD', 'a device that was closed holds something', figures);
    }
    return figures;
  });
}

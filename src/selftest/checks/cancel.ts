/** Calls that are taken back, and encoders that end while they work. */
import type { Encoder } from '../../encoder/encoder.js';
import { type ErrorCode, LatentCacheError } from '../../errors.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import type { Checklist } from '../checklist.js';
import { encode, sameMoments } from '../encoding.js';
import { CheckFailure } from '../failure.js';
import type { Figures } from '../report.js';
import { seededImage } from '../seeded-images.js';
import type { Target } from '../target.js';
import { SIZE, SIZES } from './sizes.js';

export async function checkCancelling(
  list: Checklist,
  target: Target,
  weights: VaeEncoderWeights,
): Promise<void> {
  await list.run(
    'cancel',
    'a call is aborted, an encoder ended and opened again, and all goes on',
    async () => {
      const image = seededImage('photo', 60, SIZE.height, SIZE.width);
      const batch = { ...SIZE, images: [image] };
      await using encoder = await target.open(weights);
      await encoder.prepare?.(SIZES, { signal: list.signal });
      const expected = await encode(encoder, batch, list.signal);
      const cancelled = await cancelOne(encoder, image, expected);
      // ended while a call is on the device and others wait
      const calls = Array.from({ length: 4 }, () => codeOf(encoder.encodeBatch(batch)));
      await encoder.dispose();
      const ended = new Set(await Promise.all(calls));
      for (const code of ended) {
        if (code !== null && code !== 'ERR_ENCODER_DISPOSED') {
          throw new CheckFailure('SELFTEST_WRONG_RESULT', `a call of an ended encoder failed with ${code}`);
        }
      }
      await using again = await target.open(weights);
      await again.prepare?.(SIZES, { signal: list.signal });
      const moments = await encode(again, batch, list.signal);
      if (!sameMoments(moments, expected)) {
        throw new CheckFailure('SELFTEST_NOT_REPEATABLE', 'a second encoder gave other bits');
      }
      return cancelled;
    },
  );
}

async function cancelOne(
  encoder: Encoder,
  image: Uint8Array,
  expected: Awaited<ReturnType<typeof encode>>,
): Promise<Figures> {
  const batch = { ...SIZE, images: [image] };
  const stop = new AbortController();
  const before = Array.from({ length: encoder.info.callsAtOnce }, () => encoder.encodeBatch(batch));
  const call = codeOf(encoder.encodeBatch(batch, { signal: stop.signal }));
  const after = encoder.encodeBatch(batch);
  const others = Promise.all([...before, after]);
  others.catch(() => {});
  stop.abort();
  const code = await call;
  if (code !== 'ERR_ABORTED') {
    throw new CheckFailure('SELFTEST_WRONG_RESULT', `an aborted call ended with ${code ?? 'a result'}`);
  }
  for (const moments of await others) {
    if (!sameMoments(moments, expected)) {
      throw new CheckFailure('SELFTEST_NOT_REPEATABLE', 'a call beside the aborted one gave other bits');
    }
  }
  return { callsBeside: encoder.info.callsAtOnce + 1 };
}

/** null when it was fulfilled. */
async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | null> {
  return promise.then(
    () => null,
    (error: unknown) => {
      if (error instanceof LatentCacheError) return error.code;
      throw error;
    },
  );
}

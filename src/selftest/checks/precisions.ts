/** One VAE in every precision that the device has. */
import type { Encoder, PlannedSize } from '../../encoder/encoder.js';
import type { PrecisionName } from '../../encoder/precision-names.js';
import { LatentCacheError } from '../../errors.js';
import type { VaeEncoderWeights } from '../../model/load-vae.js';
import { type Checklist, Skip } from '../checklist.js';
import { CheckFailure } from '../failure.js';
import type { NetworkName } from '../known-answers.js';
import type { Figures } from '../report.js';
import type { Target } from '../target.js';
import { BATCH, checkResults, type ResultsOptions } from './results.js';

export interface PrecisionsOptions extends Omit<ResultsOptions, 'computes'> {
  readonly network: NetworkName;
  readonly weights: VaeEncoderWeights;
  /** Whether sizes get an engine of their own in this precision; the others share one. */
  readonly hasOwnEngines: (precision: PrecisionName, size: { readonly width: number }) => boolean;
  /** Whether there is time for one more precision. */
  readonly hasTime: () => boolean;
}

/** Images with which a size gets an engine of its own. */
const OWN_ENGINE = 64;

export async function checkPrecisions(
  list: Checklist,
  target: Target,
  options: PrecisionsOptions,
): Promise<void> {
  for (const precision of target.precisions) {
    const id = `${options.network}.${precision}`;
    if (list.lostDevice) list.skip(id, titleOf(precision), 'the device was lost');
    else if (!options.hasTime()) list.skip(id, titleOf(precision), 'its time is up: see --minutes');
    else await checkPrecision(list, target, options, precision, id);
  }
}

async function checkPrecision(
  list: Checklist,
  target: Target,
  options: PrecisionsOptions,
  precision: PrecisionName,
  id: string,
): Promise<void> {
  const { network, weights } = options;
  let encoder: Encoder | undefined;
  let started = false;
  try {
    started = await list.run(`${id}.start`, `${network} VAE starts in ${precision}`, async () => {
      encoder = await open(target, weights, precision);
      await encoder.prepare?.(plannedSizes(options, precision), {
        signal: list.signal,
        onProgress: ({ phase, seconds, index, total }) =>
          list.note(`${id}: engine ${index} of ${total}, ${phase}, ${Math.round(seconds)} s`),
      });
      return { runtime: encoder.info.runtime };
    });
    if (started)
      await checkResults(list, encoder!, id, { ...options, computes: target.kind !== 'simulated' });
  } finally {
    if (!started || list.signal.aborted) await encoder?.dispose();
  }
  if (!started) return;
  await list.run(`${id}.end`, `${network} VAE in ${precision} gives its memory back`, () => end(encoder!));
}

async function end(encoder: Encoder): Promise<Figures> {
  const peakBytes = encoder.memory?.held().peak;
  await encoder.dispose();
  const heldBytes = encoder.memory?.held().used ?? 0;
  if (heldBytes > 0) {
    throw new CheckFailure('SELFTEST_MEMORY_HELD', 'bytes are held after the end', { heldBytes });
  }
  return peakBytes === undefined ? {} : { peakBytes };
}

/** A precision that the device lacks is none that could be tested. */
async function open(target: Target, weights: VaeEncoderWeights, precision: PrecisionName): Promise<Encoder> {
  try {
    return await target.open(weights, { precision });
  } catch (error) {
    if (error instanceof LatentCacheError && error.code === 'ERR_OPTION') throw new Skip(error.message);
    throw error;
  }
}

function plannedSizes(options: PrecisionsOptions, precision: PrecisionName): PlannedSize[] {
  const sizes = [...options.cases, BATCH, ...options.references.map(({ batch }) => batch)];
  return sizes.map(({ width, height }) => ({
    width,
    height,
    images: options.hasOwnEngines(precision, { width }) ? OWN_ENGINE : 1,
  }));
}

function titleOf(precision: PrecisionName): string {
  return `VAE in ${precision}`;
}

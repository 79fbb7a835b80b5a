/** From images to rows of moments on one device: chooses the engine, and runs that fit the budget. */

import { throwIfAborted } from '../../abort.js';
import type { Size } from '../../dataset/bucket.js';
import { LatentCacheError } from '../../errors.js';
import type { NativeDevice } from '../../native/binding.js';
import type { Serial } from '../serial.js';
import type { DeviceEngines } from './device-engines.js';
import type { CachedEngine } from './engine-cache.js';
import { shapeOf } from './engine-spec.js';

/** Images of one size to be encoded. */
export interface RunJob {
  readonly size: Size;
  readonly images: readonly Uint8Array[];
  /** Receives one row for each image. */
  readonly rows: Float32Array;
  /** Called while nothing else uses the device's engines. */
  readonly engine: () => Promise<CachedEngine>;
  /** The engine does not load: it is asked for again, once. */
  readonly onInvalid: (engine: CachedEngine) => Promise<void>;
  readonly signal: AbortSignal;
}

export class Runs {
  #tickets = 0;

  /** @param turns orders everything that loads, unloads or starts runs. */
  constructor(
    private readonly device: NativeDevice,
    private readonly engines: DeviceEngines,
    private readonly turns: Serial,
  ) {}

  /**
   * Starts in one turn what fits and waits outside of it, so that the next job's copies overlap this one's work. When
   * memory runs out for a run, the others still end, and its error is thrown.
   */
  async encode(job: RunJob): Promise<void> {
    const runs = await this.turns.run(() => this.#start(job), job.signal);
    const outcomes = await Promise.allSettled(runs);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  async #start(job: RunJob): Promise<Promise<void>[]> {
    const engine = await job.engine();
    try {
      return await this.#startWith(engine, job);
    } catch (error) {
      if (isOutOfMemory(error)) {
        // what is on the device may be all that is in the way
        await this.engines.freeAllBut(undefined);
        return this.#startWith(engine, job);
      }
      if (!(error instanceof LatentCacheError && error.code === 'ERR_ENGINE_INVALID')) throw error;
      await job.onInvalid(engine);
      return this.#startWith(await job.engine(), job);
    }
  }

  async #startWith(engine: CachedEngine, job: RunJob): Promise<Promise<void>[]> {
    const { size, images } = job;
    const most = await this.engines.runCount(engine, shapeOf(size, 1), images.length);
    // 8 images in runs of 5 at most are two runs of 4
    const count = Math.ceil(images.length / Math.ceil(images.length / most));
    const { id } = await this.engines.ready(engine, shapeOf(size, count));
    throwIfAborted(job.signal, 'encoding');
    const runs: Promise<void>[] = [];
    for (let start = 0; start < images.length; start += count) {
      runs.push(this.#run(id, slice(job, start, Math.min(start + count, images.length))));
    }
    return runs;
  }

  #run(engine: number, { images, rows, size, signal }: RunJob): Promise<void> {
    const ticket = ++this.#tickets;
    const cancel = () => this.device.cancel(ticket);
    signal.addEventListener('abort', cancel, { once: true });
    const done = this.device
      .encode(ticket, engine, images, size.height, size.width, rows)
      .finally(() => signal.removeEventListener('abort', cancel));
    // whoever waits for it may be busy with an earlier run
    done.catch(() => {});
    return done;
  }
}

function slice(job: RunJob, start: number, end: number): RunJob {
  const length = job.rows.length / job.images.length;
  return {
    ...job,
    images: job.images.slice(start, end),
    rows: job.rows.subarray(start * length, end * length),
  };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof LatentCacheError && error.code === 'ERR_DEVICE_OUT_OF_MEMORY';
}

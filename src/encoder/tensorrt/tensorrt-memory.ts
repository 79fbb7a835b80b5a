/** What the GPU backend knows of its memory. */
import type { Size } from '../../dataset/bucket.js';
import { LatentCacheError } from '../../errors.js';
import type { DeviceMemory, NativeDevice } from '../../native/binding.js';
import type { EncoderMemory, HeldMemory } from '../encoder.js';
import type { Lifetime } from '../lifetime.js';
import type { RunNeeds } from '../run-needs.js';
import type { Serial } from '../serial.js';
import type { DeviceEngines } from './device-engines.js';
import type { CachedEngine } from './engine-cache.js';
import type { EngineDesk } from './engine-desk.js';
import { shapeOf } from './engine-spec.js';

export interface TensorrtMemoryParts {
  readonly device: NativeDevice;
  readonly engines: DeviceEngines;
  readonly desk: EngineDesk;
  readonly life: Lifetime;
  readonly turns: Serial;
  /** Finds or builds the engine of a size; called in a turn. */
  readonly engineFor: (size: Size, signal: AbortSignal) => Promise<CachedEngine>;
}

/** Methods reject with ERR_ENCODER_DISPOSED after the encoder's end, and with ERR_DEVICE_LOST after the device's. */
export class TensorrtMemory implements EncoderMemory {
  readonly kind = 'device';
  readonly #parts: TensorrtMemoryParts;

  constructor(parts: TensorrtMemoryParts) {
    this.#parts = parts;
  }

  get budget(): number {
    return this.#parts.engines.budget;
  }

  read(): Promise<DeviceMemory> {
    const { life, device } = this.#parts;
    return life.guard(undefined, () => device.memory());
  }

  held(): HeldMemory {
    const { memoryUsed, memoryPeak } = this.#parts.device.counters();
    return { used: memoryUsed, peak: memoryPeak };
  }

  /** Builds the engine when it is missing, and loads it when its file does not tell. */
  needs(size: Size, count: number): Promise<RunNeeds> {
    return this.#withEngine(size, (engine) => {
      const most = engine.record.maximum.count;
      if (!Number.isInteger(count) || count < 1 || count > most) {
        throw new LatentCacheError('ERR_ARGUMENT', `expected 1 to ${most} as count, got ${count}`);
      }
      return this.#parts.engines.needs(engine, shapeOf(size, count));
    });
  }

  /** Builds the engine when it is missing. */
  largestRun(size: Size): Promise<number> {
    return this.#withEngine(size, async ({ record }) => record.maximum.count);
  }

  /** The engine of `keep` stays if it is loaded; the arena goes, since it may have grown for other sizes. */
  release(keep: Size | null): Promise<void> {
    const { life, turns, engines, desk } = this.#parts;
    return life.guard(undefined, () =>
      turns.run(() => engines.freeAllBut(keep === null ? undefined : desk.known(keep)?.key)),
    );
  }

  #withEngine<T>(size: Size, ask: (engine: CachedEngine) => Promise<T>): Promise<T> {
    const { life, turns, engineFor } = this.#parts;
    return life.guard(undefined, (abort) => turns.run(async () => ask(await engineFor(size, abort)), abort));
  }
}

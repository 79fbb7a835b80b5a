/** The engines on the device: loaded when they are needed, the least recently used unloaded when memory is short. */
import type { EngineHandle, EngineShape, NativeDevice } from '../../native/binding.js';
import type { RunNeeds } from '../run-needs.js';
import type { CachedEngine } from './engine-cache.js';

interface LoadedEngine {
  readonly handle: EngineHandle;
  readonly weightBytes: number;
}

/**
 * One call at a time: the encoder sees to that. The device works in order, so that an engine may be unloaded while runs
 * of it are still waiting.
 */
export class DeviceEngines {
  readonly #device: NativeDevice;
  /** By key, the least recently used first. */
  readonly #loaded = new Map<string, LoadedEngine>();
  /** What the device's arena has grown to, as far as the runs that were ordered tell. */
  #arenaBytes = 0;

  /** @param budget bytes that engines and runs together may take. */
  constructor(
    device: NativeDevice,
    readonly budget: number,
  ) {
    this.#device = device;
  }

  /** Exact, from the measurements in the engine's file; an engine without them is loaded. */
  async needs(engine: CachedEngine, shape: EngineShape): Promise<RunNeeds> {
    const { weightBytes, memory } = engine.record;
    const measured = memory.find(({ shape: known }) => sameShape(known, shape));
    if (measured !== undefined && weightBytes !== null) {
      const { shape: _, ...bytes } = measured;
      return { ...bytes, engine: engine.key, weightBytes };
    }
    const { handle } = await this.#load(engine);
    const bytes = await this.#device.memoryFor(handle.id, shape);
    return { ...bytes, engine: engine.key, weightBytes: handle.weightBytes };
  }

  /** The most images, up to `wanted`, that fit beside the engine's weights; 1 when nothing fits. */
  async runCount(engine: CachedEngine, shape: EngineShape, wanted: number): Promise<number> {
    for (let count = Math.min(wanted, engine.record.maximum.count); count > 1; count--) {
      const { weightBytes, arenaBytes } = await this.needs(engine, { ...shape, count });
      if (weightBytes + arenaBytes <= this.budget) return count;
    }
    return 1;
  }

  /**
   * Loads an engine for runs of one shape, after making room for both.
   *
   * @throws LatentCacheError ERR_DEVICE_OUT_OF_MEMORY, ERR_ENGINE_INVALID, ERR_DEVICE_LOST.
   */
  async ready(engine: CachedEngine, shape: EngineShape): Promise<EngineHandle> {
    const { weightBytes, arenaBytes } = await this.needs(engine, shape);
    await this.#makeRoom(engine.key, weightBytes, arenaBytes);
    const { handle } = await this.#load(engine);
    this.#arenaBytes = Math.max(this.#arenaBytes, arenaBytes);
    return handle;
  }

  /** Unloads every engine but one, and frees the arena. */
  async freeAllBut(key: string | undefined): Promise<void> {
    for (const loaded of [...this.#loaded.keys()]) if (loaded !== key) await this.#unload(loaded);
    await this.#trim();
  }

  async #makeRoom(key: string, weightBytes: number, arenaBytes: number): Promise<void> {
    const short = () => {
      const others = [...this.#loaded].filter(([loaded]) => loaded !== key);
      const weights = others.reduce((sum, [, loaded]) => sum + loaded.weightBytes, weightBytes);
      return weights + Math.max(this.#arenaBytes, arenaBytes) > this.budget;
    };
    // an arena is only memory; an engine would have to be read and loaded again
    if (short() && this.#arenaBytes > arenaBytes) await this.#trim();
    for (const loaded of [...this.#loaded.keys()]) {
      if (!short()) return;
      if (loaded !== key) await this.#unload(loaded);
    }
  }

  async #load(engine: CachedEngine): Promise<LoadedEngine> {
    const { key, plan } = engine;
    let loaded = this.#loaded.get(key);
    if (loaded === undefined) {
      await this.#makeRoom(key, engine.record.weightBytes ?? plan.bytes, 0);
      const handle = await this.#device.loadEngine(plan);
      loaded = { handle, weightBytes: handle.weightBytes };
    }
    this.#loaded.delete(key);
    this.#loaded.set(key, loaded);
    return loaded;
  }

  async #unload(key: string): Promise<void> {
    const { handle } = this.#loaded.get(key)!;
    this.#loaded.delete(key);
    await this.#device.unloadEngine(handle.id);
  }

  async #trim(): Promise<void> {
    this.#arenaBytes = 0;
    await this.#device.trim();
  }
}

function sameShape(a: EngineShape, b: EngineShape): boolean {
  return a.count === b.count && a.height === b.height && a.width === b.width;
}

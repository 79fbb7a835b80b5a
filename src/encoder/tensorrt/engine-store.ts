/** Engines by what they are for: from the cache on disk, or built. */
import type { Size } from '../../dataset/bucket.js';
import type { BackendInfo, CudaDevice } from '../../native/binding.js';
import type { Compile } from './compile-engine.js';
import type { CachedEngine, EngineCache } from './engine-cache.js';
import { engineKey } from './engine-key.js';
import type { EngineRecord } from './engine-record.js';
import type { EngineSource, ObtainOptions } from './engine-source.js';
import { describeSpec, type EngineSpec, RUN_COUNTS, shapeOf } from './engine-spec.js';
import { estimateRunBytes } from './memory-estimate.js';
import { isWithinLimits, type Network, type Networks } from './networks.js';
import type { TimingCache } from './timing-cache.js';

export interface EngineStoreParts {
  readonly networks: Networks;
  readonly cache: EngineCache;
  readonly timing: TimingCache;
  readonly compile: Compile;
  readonly backend: BackendInfo;
  readonly libraryFolders: readonly string[];
  readonly device: CudaDevice;
  /** Bytes of device memory for engines and runs. */
  readonly memoryBudget: number;
  /** Frees the device before a build, which needs its memory. */
  readonly clearDevice: () => Promise<void>;
}

/** TensorRT's own default. */
const OPTIMIZATION_LEVEL = 3;

export class EngineStore implements EngineSource {
  readonly #parts: EngineStoreParts;

  constructor(parts: EngineStoreParts) {
    this.#parts = parts;
  }

  /**
   * An engine from the cache that serves this purpose. One that was built for more or fewer images at once is as good:
   * building takes minutes.
   */
  async find(spec: EngineSpec): Promise<CachedEngine | undefined> {
    const network = this.#parts.networks.network(spec);
    const wanted = this.#chooseCount(spec, network);
    for (const count of [...RUN_COUNTS].sort((a, b) => distance(a, wanted) - distance(b, wanted))) {
      const found = await this.#parts.cache.find(this.#key(spec, network, count));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Finds or builds; when another process builds the same engine, waits for it.
   *
   * @throws LatentCacheError ERR_GRAPH_LIMIT, and what `compileEngine` and `EngineCache.store` throw.
   */
  async obtain(spec: EngineSpec, { onProgress, signal }: ObtainOptions = {}): Promise<CachedEngine> {
    const found = await this.find(spec);
    if (found !== undefined) return found;
    const { networks, cache } = this.#parts;
    const network = networks.network(spec);
    const count = this.#chooseCount(spec, network);
    const key = this.#key(spec, network, count);
    const started = performance.now();
    const onWait = () =>
      onProgress?.({ phase: 'Another process builds it', seconds: (performance.now() - started) / 1000 });
    const lock = await cache.lock(key, { signal, onWait });
    try {
      return (
        (await cache.find(key)) ?? (await this.#build(spec, network, count, key, { onProgress, signal }))
      );
    } finally {
      await lock.release();
    }
  }

  discard({ key }: CachedEngine): Promise<void> {
    return this.#parts.cache.remove(key);
  }

  allows(size: Size): boolean {
    return this.#parts.networks.allows(size);
  }

  async #build(
    spec: EngineSpec,
    network: Network,
    count: number,
    key: string,
    { onProgress, signal }: ObtainOptions,
  ): Promise<CachedEngine> {
    const { compile, backend, device, timing, cache, libraryFolders, memoryBudget, clearDevice } =
      this.#parts;
    const started = performance.now();
    const shapes = profile(spec, count);
    const request = {
      ...shapes,
      plugin: backend.path,
      libraryFolders,
      device: device.index,
      graph: network.model,
      tensors: network.tensors,
      allowTf32: spec.precision === 'tf32',
      optimizationLevel: OPTIMIZATION_LEVEL,
      memoryLimit: memoryBudget,
      timingCache: await timing.read(),
      measure: spec.sizes.flatMap((size) =>
        Array.from({ length: count }, (_, index) => shapeOf(size, index + 1)),
      ),
    };
    await clearDevice();
    const built = await compile(request, { workFolder: cache.folder, onProgress, signal });
    // without it the next build is slower, no more
    if (built.timingCache !== null) await timing.write(built.timingCache).catch(() => {});
    const record: EngineRecord = {
      ...shapes,
      description: `${describeSpec(spec)}, up to ${count === 1 ? '1 image' : `${count} images`}`,
      device: device.name,
      runtime: backend.runtime,
      weightBytes: built.weightBytes,
      memory: built.memory,
      exponents: network.exponents,
      buildSeconds: (performance.now() - started) / 1000,
    };
    return cache.store(key, record, built.plan);
  }

  #key(spec: EngineSpec, network: Network, count: number): string {
    const { device, backend } = this.#parts;
    return engineKey({
      attributes: device.attributes,
      runtime: backend.runtime,
      graph: network.model,
      weights: network.weightsId,
      flags: [spec.precision, `optimization=${OPTIMIZATION_LEVEL}`],
      ...profile(spec, count),
    });
  }

  /**
   * The most images that the limits of the network allow and that will probably fit.
   *
   * @throws LatentCacheError ERR_GRAPH_LIMIT when not even one is allowed.
   */
  #chooseCount({ purpose, largest, precision }: EngineSpec, network: Network): number {
    network.check(shapeOf(largest, 1));
    if (purpose === 'retry' || purpose === 'calibration') return 1;
    const { networks, memoryBudget } = this.#parts;
    const { architecture } = networks.weights;
    const suits = (count: number) =>
      count === 1 ||
      (isWithinLimits(network, shapeOf(largest, count)) &&
        estimateRunBytes(architecture, precision, shapeOf(largest, count)) <= memoryBudget);
    return RUN_COUNTS.find(suits)!;
  }
}

function profile(spec: EngineSpec, count: number) {
  return {
    minimum: shapeOf(spec.smallest, 1),
    optimum: shapeOf(spec.typical, count),
    maximum: shapeOf(spec.largest, count),
  };
}

/** Larger ones first, the nearest of them first; then smaller ones. */
function distance(count: number, wanted: number): number {
  return count >= wanted ? count - wanted : 100 - count;
}

/** Knows which engine serves which size, and gets it when it is asked for the first time. */

import type { Size } from '../../dataset/bucket.js';
import { sizeName } from '../../dataset/size.js';
import { LatentCacheError } from '../../errors.js';
import type { PlannedSize, PreparationProgress } from '../encoder.js';
import type { BuildTick } from './compile-engine.js';
import type { CachedEngine } from './engine-cache.js';
import type { EngineSource } from './engine-source.js';
import { type EngineSpec, staticSpec } from './engine-spec.js';
import { planEngines, sharedSpec } from './plan-engines.js';
import type { Precision } from './precision.js';

export class EngineDesk {
  readonly #store: EngineSource;
  readonly #precision: Precision;
  readonly #specs = new Map<string, EngineSpec>();
  #planned: readonly PlannedSize[] = [];
  readonly #engines = new Map<EngineSpec, CachedEngine>();
  /** A network that was refused once would be refused again, minutes later. */
  readonly #refusals = new Map<EngineSpec, LatentCacheError>();

  constructor(store: EngineSource, precision: Precision) {
    this.#store = store;
    this.#precision = precision;
  }

  /** Chooses the engines of these sizes and builds those that are missing. */
  async prepare(
    sizes: readonly PlannedSize[],
    onProgress: ((progress: PreparationProgress) => void) | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    this.#planned = sizes;
    this.#specs.delete('retry');
    const specs = planEngines(sizes, this.#precision, (size) => this.#store.allows(size));
    const missing: EngineSpec[] = [];
    for (const spec of specs) {
      for (const size of spec.sizes) this.#specs.set(sizeName(size), spec);
      const found = await this.#store.find(spec);
      if (found === undefined) missing.push(spec);
      else this.#engines.set(spec, found);
    }
    for (const [index, spec] of missing.entries()) {
      const place = { index: index + 1, total: missing.length };
      await this.#obtain(spec, signal, (tick) => onProgress?.({ ...nameOf(spec), ...tick, ...place }));
    }
  }

  /** The engine of a size. One that was not prepared gets its own, unless a shared engine happens to take it. */
  engineFor(size: Size, signal: AbortSignal): Promise<CachedEngine> {
    const ofItsOwn = () => staticSpec('bucket', this.#precision, size);
    const spec = this.#specFor(sizeName(size), () => this.#sharedFor(size) ?? ofItsOwn());
    return this.#obtain(spec, signal);
  }

  /** The same, if it was obtained already. */
  known(size: Size): CachedEngine | undefined {
    const spec = this.#specs.get(sizeName(size)) ?? this.#sharedFor(size);
    return spec === undefined ? undefined : this.#engines.get(spec);
  }

  /** The float32 engine for what is not finite otherwise: one for all prepared sizes, since few images need it. */
  retryEngineFor(size: Size, signal: AbortSignal): Promise<CachedEngine> {
    const allowed = this.#planned.filter((planned) => this.#store.allows(planned));
    if (allowed.length > 1 && allowed.some((planned) => sizeName(planned) === sizeName(size))) {
      const shared = this.#specFor('retry', () => sharedSpec('retry', allowed, 'fp32'));
      if (this.#store.allows(shared.largest)) return this.#obtain(shared, signal);
    }
    return this.#obtain(
      this.#specFor(`retry ${sizeName(size)}`, () => staticSpec('retry', 'fp32', size)),
      signal,
    );
  }

  /** Drops an engine that does not load; it is built again when it is asked for. */
  async discard(engine: CachedEngine): Promise<void> {
    for (const [spec, known] of this.#engines) if (known === engine) this.#engines.delete(spec);
    await this.#store.discard(engine);
  }

  async #obtain(
    spec: EngineSpec,
    signal: AbortSignal,
    onProgress?: (tick: BuildTick) => void,
  ): Promise<CachedEngine> {
    const known = this.#engines.get(spec);
    if (known !== undefined) return known;
    const refusal = this.#refusals.get(spec);
    if (refusal !== undefined) throw refusal;
    try {
      const engine = await this.#store.obtain(spec, { signal, onProgress });
      this.#engines.set(spec, engine);
      return engine;
    } catch (error) {
      if (error instanceof LatentCacheError && error.code === 'ERR_ENGINE_BUILD')
        this.#refusals.set(spec, error);
      throw error;
    }
  }

  #sharedFor(size: Size): EngineSpec | undefined {
    return [...this.#engines.keys()].find((spec) => spec.purpose === 'shared' && covers(spec, size));
  }

  #specFor(key: string, make: () => EngineSpec): EngineSpec {
    const spec = this.#specs.get(key) ?? make();
    this.#specs.set(key, spec);
    return spec;
  }
}

function covers({ smallest, largest }: EngineSpec, { width, height }: Size): boolean {
  const isWide = width >= smallest.width && width <= largest.width;
  return isWide && height >= smallest.height && height <= largest.height;
}

function nameOf({ purpose, size }: EngineSpec): Pick<PreparationProgress, 'purpose' | 'size'> {
  return { purpose, size: size === 'dynamic' ? null : size };
}

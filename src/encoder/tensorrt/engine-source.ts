import type { Size } from '../../dataset/bucket.js';
import type { BuildTick } from './compile-engine.js';
import type { CachedEngine } from './engine-cache.js';
import type { EngineSpec } from './engine-spec.js';

export interface ObtainOptions {
  readonly onProgress?: ((tick: BuildTick) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where engines come from. */
export interface EngineSource {
  /** Whether one image of that size is within the limits of the network. */
  allows(size: Size): boolean;
  /** One that is there already and serves this purpose. */
  find(spec: EngineSpec): Promise<CachedEngine | undefined>;
  /** Finds or builds. */
  obtain(spec: EngineSpec, options?: ObtainOptions): Promise<CachedEngine>;
  /** Removes an engine that does not load. */
  discard(engine: CachedEngine): Promise<void>;
}

import type { RunMemory } from '../native/binding.js';

/** Bytes of device memory for one run. */
export interface RunNeeds extends RunMemory {
  /** Names the weights: runs with the same name share them. */
  readonly engine: string;
  /** Held by the engine while it is loaded. */
  readonly weightBytes: number;
}

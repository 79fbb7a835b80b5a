/** What the CPU backend knows of its memory, over all NUMA nodes. */
import type { Size } from '../../dataset/bucket.js';
import { LatentCacheError } from '../../errors.js';
import type { DeviceMemory } from '../../native/binding.js';
import { checkSize, type EncoderMemory, type HeldMemory } from '../encoder.js';
import type { Lifetime } from '../lifetime.js';
import type { RunNeeds } from '../run-needs.js';
import type { NodeEngine } from './node-engine.js';

export interface OnednnMemoryParts {
  /** At least one; all alike. */
  readonly nodes: readonly NodeEngine[];
  readonly stride: number;
  readonly life: Lifetime;
}

/** Methods reject with ERR_ENCODER_DISPOSED after the encoder's end. */
export class OnednnMemory implements EncoderMemory {
  readonly kind = 'host';
  readonly #parts: OnednnMemoryParts;

  constructor(parts: OnednnMemoryParts) {
    this.#parts = parts;
  }

  get budget(): number {
    return sum(this.#parts.nodes, ({ budget }) => budget);
  }

  /** Of this machine, or of its cgroup. */
  read(): Promise<DeviceMemory> {
    return this.#parts.life.guard(undefined, () => this.#anyNode.memory());
  }

  /** `peak` is the sum of the nodes' peaks, which need not have been at the same moment. */
  held(): HeldMemory {
    const held = this.#parts.nodes.map((node) => node.held());
    return { used: sum(held, ({ used }) => used), peak: sum(held, ({ peak }) => peak) };
  }

  /**
   * When each node works on a run of `count` images: every one holds the weights, and gets an equal part of the budget.
   *
   * @throws LatentCacheError (as rejection) ERR_ARGUMENT also for a size that the encoder does not take.
   */
  async needs({ width, height }: Size, count: number): Promise<RunNeeds> {
    const { life, nodes, stride } = this.#parts;
    checkSize({ width, height }, stride);
    const most = this.#anyNode.maximumCount;
    if (!Number.isInteger(count) || count < 1 || count > most) {
      throw new LatentCacheError('ERR_ARGUMENT', `expected 1 to ${most} as count, got ${count}`);
    }
    const one = await life.guard(undefined, () => this.#anyNode.needs({ count, height, width }));
    return {
      engine: one.engine,
      activationBytes: one.activationBytes * nodes.length,
      inputBytes: one.inputBytes * nodes.length,
      outputBytes: one.outputBytes * nodes.length,
      arenaBytes: one.arenaBytes * nodes.length,
      weightBytes: one.weightBytes * nodes.length,
    };
  }

  async largestRun(size: Size): Promise<number> {
    checkSize(size, this.#parts.stride);
    return this.#anyNode.maximumCount;
  }

  /** The weights stay: they serve all sizes. */
  async release(): Promise<void> {
    const { life, nodes } = this.#parts;
    await life.guard(undefined, () => Promise.all(nodes.map((node) => node.trim())));
  }

  get #anyNode(): NodeEngine {
    return this.#parts.nodes[0]!;
  }
}

function sum<T>(items: readonly T[], bytesOf: (item: T) => number): number {
  return items.reduce((total, item) => total + bytesOf(item), 0);
}

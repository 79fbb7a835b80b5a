/** The encoder of a run, and those that step in when it cannot do an image. */
import type { Encoder } from '../encoder/encoder.js';
import { asLatentCacheError, type LatentCacheError } from '../errors.js';
import { onceMore } from './out-of-memory.js';

/**
 * `sliced`: the same with the attention in more pieces. `cpu`: main memory instead of the device's. `precise`: float32
 * throughout.
 */
export type StandInKind = 'sliced' | 'cpu' | 'precise';

/** Starts encoders of one VAE. */
export interface EncoderStarter {
  /** @param budget bytes that the encoder before it was given; the first one has none */
  start(budget?: number): Promise<Encoder>;
  /** null when there is no such encoder that differs from the one of the run. */
  startStandIn(kind: StandInKind): Promise<Encoder> | null;
}

export class EncoderSet implements AsyncDisposable {
  readonly #standIns = new Map<StandInKind, Encoder | null>();
  /** Why one could not be started; asked once. */
  readonly failures = new Map<StandInKind, LatentCacheError>();

  private constructor(
    private readonly starter: EncoderStarter,
    private current: Encoder,
  ) {}

  /** @throws LatentCacheError what the encoder of the run throws when it cannot be started */
  static async start(starter: EncoderStarter): Promise<EncoderSet> {
    return new EncoderSet(starter, await onceMore(() => starter.start()));
  }

  get main(): Encoder {
    return this.current;
  }

  get all(): Encoder[] {
    return [this.current, ...this.#standIns.values()].filter((encoder) => encoder !== null);
  }

  /** Starts it when it is asked for the first time; null when there is none. */
  async standIn(kind: StandInKind): Promise<Encoder | null> {
    const known = this.#standIns.get(kind);
    if (known !== undefined) return known;
    let encoder: Encoder | null = null;
    try {
      encoder = await onceMore(async () => this.starter.startStandIn(kind));
    } catch (error) {
      this.failures.set(kind, asLatentCacheError(error, 'ERR_ENCODER'));
    }
    this.#standIns.set(kind, encoder);
    return encoder;
  }

  /**
   * Ends the encoder of the run and starts it anew with the budget that it had: what others hold at this moment must not
   * bind the rest of the run. Nothing may be running.
   */
  async restart(): Promise<void> {
    const budget = this.current.memory?.budget;
    await this.current.dispose();
    this.current = await onceMore(() => this.starter.start(budget));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((encoder) => encoder.dispose()));
  }
}

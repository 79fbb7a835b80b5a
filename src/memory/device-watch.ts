/** What the device has left for us while other programs come and go. */
import type { EncoderMemory } from '../encoder/encoder.js';

/** Asking costs a thread of the pool for some microseconds; batches may be quicker than that is worth. */
const READ_EVERY_MS = 100;

export interface Room {
  /** Bytes that this encoder may hold in all, now. */
  readonly usable: number;
  /** Bytes free on the device; null when it could not be asked. */
  readonly free: number | null;
}

export class DeviceWatch {
  #last: { readonly at: number; readonly room: Room } | undefined;

  /**
   * @param reserve bytes of the device that are to stay free: below them some systems move memory to the host and crawl
   */
  constructor(
    private readonly memory: EncoderMemory,
    readonly reserve: number,
  ) {}

  /** What there is, asked at most ten times a second. */
  async room(): Promise<Room> {
    const now = performance.now();
    if (this.#last === undefined || now - this.#last.at >= READ_EVERY_MS) {
      this.#last = { at: now, room: await this.#read() };
    }
    return this.#last.room;
  }

  /** The next question is asked again: something was freed or taken. */
  forget(): void {
    this.#last = undefined;
  }

  async #read(): Promise<Room> {
    const { budget } = this.memory;
    const { used } = this.memory.held();
    try {
      const { free } = await this.memory.read();
      return { usable: Math.min(budget, used + this.#headroom(free)), free };
    } catch {
      // the encoder itself will say what is wrong with the device
      return { usable: budget, free: null };
    }
  }

  /** Below half of the reserve something must be given back; between that and the reserve all stays as it is. */
  #headroom(free: number): number {
    return free >= this.reserve / 2 ? Math.max(0, free - this.reserve) : free - this.reserve;
  }
}

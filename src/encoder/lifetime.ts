/** How long an encoder on a native device lives: its calls end with it, and it ends when the device is lost. */
import { setMaxListeners } from 'node:events';
import { throwIfAborted } from '../abort.js';
import { LatentCacheError } from '../errors.js';
import { LinkedAbort } from './linked-abort.js';

export class Lifetime {
  readonly #closing = new AbortController();
  /** Why nothing works any more: disposed, or the device is lost. */
  #end: LatentCacheError | undefined;
  #disposal: Promise<void> | undefined;

  constructor() {
    // one for each call in flight
    setMaxListeners(0, this.#closing.signal);
  }

  /** Runs a call whose signal aborts with the caller's and with the encoder, and notices when the device is lost. */
  async guard<T>(signal: AbortSignal | undefined, call: (abort: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#end !== undefined) throw this.#end;
    const abort = new LinkedAbort([signal, this.#closing.signal]);
    try {
      throwIfAborted(abort.signal, 'encoding');
      return await call(abort.signal);
    } catch (error) {
      if (error instanceof LatentCacheError && error.code === 'ERR_DEVICE_LOST') this.#end ??= error;
      // what a call stumbles over while the encoder is closed around it is of no interest
      throw this.#closing.signal.aborted ? this.#end : error;
    } finally {
      abort.unlink();
    }
  }

  /** @param close called once, after every call has been told to end. */
  end(close: () => Promise<void>): Promise<void> {
    if (this.#disposal === undefined) {
      const disposed = new LatentCacheError('ERR_ENCODER_DISPOSED', 'the encoder was disposed');
      this.#end ??= disposed;
      this.#closing.abort(disposed);
      this.#disposal = close();
    }
    return this.#disposal;
  }
}

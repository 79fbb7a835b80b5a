import { abortError, throwIfAborted } from '../abort.js';

/** Runs asynchronous tasks one after the other, in the order in which they came. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** @param signal drops a task that waits, at once; one that runs must look at it by itself. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    let hasBegun = false;
    const result = this.#last.then(() => {
      throwIfAborted(signal, 'encoding');
      hasBegun = true;
      return task();
    });
    this.#last = result.catch(() => {});
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        if (!hasBegun) reject(abortError(signal!, 'encoding'));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      result.then(resolve, reject).finally(() => signal?.removeEventListener('abort', onAbort));
    });
  }
}

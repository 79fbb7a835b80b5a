import { LatentCacheError } from '../../errors.js';

/** A controller that aborts with other signals, and can be taken off them: some of them outlive many calls. */
export class LinkedAbort extends AbortController {
  readonly #unlink: (() => void)[] = [];

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    super();
    for (const signal of signals) {
      if (signal === undefined) continue;
      const onAbort = () => this.abort(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#unlink.push(() => signal.removeEventListener('abort', onAbort));
    }
  }

  unlink(): void {
    for (const unlink of this.#unlink.splice(0)) unlink();
  }
}

/** @throws LatentCacheError ERR_ABORTED, or the reason of the signal when it is such an error. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  const reason: unknown = signal.reason;
  if (reason instanceof LatentCacheError) throw reason;
  throw new LatentCacheError('ERR_ABORTED', 'encoding was aborted', { cause: reason });
}

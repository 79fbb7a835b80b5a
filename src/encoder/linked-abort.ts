import { setMaxListeners } from 'node:events';

/** A controller that aborts with other signals, and can be taken off them: some of them outlive many calls. */
export class LinkedAbort extends AbortController {
  readonly #unlink: (() => void)[] = [];

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    super();
    // a call may have many runs
    setMaxListeners(0, this.signal);
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

/** Many may hold it together, or one alone. First come, first served, so that nobody starves. */
interface Waiter {
  readonly alone: boolean;
  readonly start: () => void;
}

export class SharedLock {
  /** Holders; the one that is alone counts as -1. */
  #holders = 0;
  readonly #waiting: Waiter[] = [];

  shared<T>(task: () => Promise<T>): Promise<T> {
    return this.#hold(false, task);
  }

  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#hold(true, task);
  }

  async #hold<T>(alone: boolean, task: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#isFree(alone)) {
      await new Promise<void>((start) => this.#waiting.push({ alone, start }));
    } else {
      this.#take(alone);
    }
    try {
      return await task();
    } finally {
      this.#holders = alone ? 0 : this.#holders - 1;
      this.#startNext();
    }
  }

  #isFree(alone: boolean): boolean {
    return alone ? this.#holders === 0 : this.#holders >= 0;
  }

  #take(alone: boolean): void {
    this.#holders = alone ? -1 : this.#holders + 1;
  }

  #startNext(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#isFree(next.alone);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#take(next.alone);
      next.start();
    }
  }
}

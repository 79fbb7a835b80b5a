/** A queue between producers that call and one consumer that iterates. */
export class Channel<T> implements AsyncIterable<T> {
  private readonly items: T[] = [];
  private ended = false;
  private failure: { error: unknown } | undefined;
  private wakeReader: (() => void) | undefined;
  private wakeWriters: (() => void)[] = [];

  /** @param highWater items after which `ready` makes producers wait */
  constructor(private readonly highWater: number) {}

  push(item: T): void {
    if (this.ended) return;
    this.items.push(item);
    this.wakeReader?.();
  }

  /** Resolves at once while the consumer keeps up, else when it has caught up. */
  async ready(): Promise<void> {
    if (this.items.length < this.highWater || this.ended) return;
    await new Promise<void>((wake) => this.wakeWriters.push(wake));
  }

  end(): void {
    this.ended = true;
    this.wakeReader?.();
    this.freeWriters();
  }

  fail(error: unknown): void {
    this.failure = { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    try {
      for (;;) {
        while (this.items.length > 0) {
          yield this.items.shift() as T;
          if (this.items.length < this.highWater) this.freeWriters();
        }
        if (this.failure !== undefined) throw this.failure.error;
        if (this.ended) return;
        await new Promise<void>((wake) => {
          this.wakeReader = wake;
        });
        this.wakeReader = undefined;
      }
    } finally {
      this.end();
    }
  }

  private freeWriters(): void {
    for (const wake of this.wakeWriters.splice(0)) wake();
  }
}

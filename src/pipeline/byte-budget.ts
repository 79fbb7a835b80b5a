/** Back-pressure: work waits until the bytes (or places) that it needs are free. First come, first served. */
export class ByteBudget {
  readonly total: number;
  private used = 0;
  private opened = false;
  private readonly waiting: { bytes: number; start: () => void }[] = [];

  /** @param total bytes that may be in use at once */
  constructor(total: number) {
    this.total = total;
  }

  /**
   * Waits for `bytes`. A request above the total is granted when nothing else is in use, so that one enormous image
   * is slow and not stuck.
   */
  async acquire(bytes: number): Promise<void> {
    if (this.opened) return;
    if (this.waiting.length === 0 && this.fits(bytes)) {
      this.used += bytes;
      return;
    }
    await new Promise<void>((start) => this.waiting.push({ bytes, start }));
  }

  /** Lets everybody who waits go on, now and later: the work is being given up. */
  open(): void {
    this.opened = true;
    for (const { start } of this.waiting.splice(0)) start();
  }

  release(bytes: number): void {
    this.used -= bytes;
    for (let next = this.waiting[0]; next !== undefined && this.fits(next.bytes); next = this.waiting[0]) {
      this.waiting.shift();
      this.used += next.bytes;
      next.start();
    }
  }

  private fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.total;
  }
}

/** Back-pressure by memory: work waits until the bytes that it needs are free. First come, first served. */
export class ByteBudget {
  readonly total: number;
  private used = 0;
  private readonly waiting: { bytes: number; start: () => void }[] = [];

  /** @param total bytes that may be in use at once */
  constructor(total: number) {
    this.total = total;
  }

  get inUse(): number {
    return this.used;
  }

  /**
   * Waits for `bytes`. A request above the total is granted when nothing else is in use, so that one enormous image
   * is slow and not stuck.
   */
  async acquire(bytes: number): Promise<void> {
    if (this.waiting.length === 0 && this.fits(bytes)) {
      this.used += bytes;
      return;
    }
    await new Promise<void>((start) => this.waiting.push({ bytes, start }));
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

/** Runs checks one after the other: each by itself, whatever the others do. */
import { throwIfAborted } from '../abort.js';
import { toFailure } from './failure.js';
import { withoutPaths } from './private-text.js';
import type { Figures, SelftestCheck, SelftestEvent } from './report.js';

/** Thrown by a check that finds out that there is nothing to check. */
export class Skip extends Error {}

export class Checklist {
  readonly checks: SelftestCheck[] = [];
  /** What to do about the first failure. */
  remedy: string | null = null;

  constructor(
    private readonly tell: (event: SelftestEvent) => void,
    readonly signal: AbortSignal,
  ) {}

  /**
   * @param task gives its figures, or throws what is wrong
   * @returns whether it passed
   * @throws LatentCacheError ERR_ABORTED when the run is ended
   */
  async run(id: string, title: string, task: () => Promise<Figures>): Promise<boolean> {
    throwIfAborted(this.signal, 'the self-test');
    this.tell({ type: 'begin', id, title });
    const began = performance.now();
    const end = (outcome: Pick<SelftestCheck, 'status' | 'code' | 'message' | 'figures'>) =>
      this.#add({ id, title, ...outcome, seconds: (performance.now() - began) / 1000 });
    try {
      const figures = await task();
      end({ status: 'pass', code: null, message: null, figures });
      return true;
    } catch (error) {
      throwIfAborted(this.signal, 'the self-test');
      if (error instanceof Skip) {
        end({ status: 'skip', code: null, message: withoutPaths(error.message), figures: {} });
        return false;
      }
      const { code, message, remedy, figures } = toFailure(error);
      this.remedy ??= withoutPaths(remedy);
      end({ status: 'fail', code, message: withoutPaths(message), figures });
      return false;
    }
  }

  skip(id: string, title: string, reason: string): void {
    const message = withoutPaths(reason);
    this.#add({ id, title, status: 'skip', code: null, message, figures: {}, seconds: 0 });
  }

  note(message: string): void {
    this.tell({ type: 'note', message: withoutPaths(message) });
  }

  /** The device failed for good: nothing that needs it can pass any more. */
  get lostDevice(): boolean {
    return this.checks.some(({ code }) => code === 'ERR_DEVICE_LOST');
  }

  #add(check: SelftestCheck): void {
    this.checks.push(check);
    this.tell({ type: 'end', check });
  }
}

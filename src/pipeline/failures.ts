import { asLatentCacheError, type ErrorCode, type LatentCacheError } from '../errors.js';
import { type FailedEvent, toFailure } from './events.js';

/** So many images in a row with one error, and the run is given up: the next would fail in the same way. */
const STRIKES: Readonly<Partial<Record<ErrorCode, number>>> = {
  ERR_DISK_FULL: 1,
  ERR_ENCODER_DISPOSED: 1,
  ERR_DEVICE_LOST: 1,
  ERR_OUTPUT_NOT_WRITABLE: 3,
  ERR_ENCODER: 3,
  ERR_ENGINE_BUILD: 3,
  ERR_CACHE_WRITE: 5,
  ERR_NON_FINITE: 20,
};

/** The images that a run could not do. */
export class Failures {
  readonly list: FailedEvent[] = [];
  /** Caches that are not made because of them. */
  caches = 0;
  readonly #strikes = new Map<ErrorCode, number>();

  /**
   * @param report is told of each
   * @param giveUp is told when going on would be useless
   */
  constructor(
    private readonly report: (failure: FailedEvent) => void,
    readonly giveUp: (reason: LatentCacheError) => void,
  ) {}

  /**
   * An image that cannot be used, whatever the encoder.
   *
   * @param caches of it that will be missing
   */
  addImage(failure: FailedEvent, caches = 1): void {
    this.caches += caches;
    // Whatever is wrong with an image is wrong for all caches of it.
    const last = this.list.at(-1);
    if (last?.path === failure.path && last.code === failure.code && last.message === failure.message) return;
    this.list.push(failure);
    this.report(failure);
  }

  /** An image that was encoded or should have been. */
  add(file: string, thrown: unknown, code: ErrorCode, caches = 1): void {
    const error = asLatentCacheError(thrown, code);
    this.addImage(toFailure(file, error), caches);
    const strikes = (this.#strikes.get(error.code) ?? 0) + 1;
    this.#strikes.set(error.code, strikes);
    if (strikes >= (STRIKES[error.code] ?? Number.POSITIVE_INFINITY)) this.giveUp(error);
  }

  /** An image was done: what failed before was not for good. */
  clearStrikes(): void {
    this.#strikes.clear();
  }
}

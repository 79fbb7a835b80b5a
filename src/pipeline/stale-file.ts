import type { InTheWay } from '../trainers/trainer.js';

/** An existing file that would make the trainer use something else than what we write. */
export interface StaleFile {
  readonly path: string;
  /** `foreign`: where ours goes, written by another program. */
  readonly kind: NonNullable<InTheWay>['kind'] | 'foreign';
  /** The cache that it is in the way of. */
  readonly cachePath: string;
}

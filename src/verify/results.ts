import type { ErrorCode } from '../errors.js';

/** What can be wrong with a cache, besides an image that cannot be read (`ERR_IMAGE_*`). Part of the public API. */
export const PROBLEM_CODES = [
  /** It cannot be read, or its bytes are not those that were written. */
  'ERR_CACHE_CORRUPT',
  /** Keys, shapes or types that the trainer does not take, or a record that contradicts them. */
  'ERR_CACHE_CONTENT',
  /** NaN, infinity, or a magnitude that no latent has. */
  'ERR_NON_FINITE',
  /** Made by a simulated GPU. */
  'ERR_SIMULATED',
  'ERR_APPROXIMATE',
  /** It does not fit its image, or the resolution asked for. */
  'ERR_CACHE_GEOMETRY',
  /** The image has changed since, or it was made with another VAE than the one given. */
  'ERR_CACHE_OUTDATED',
  /** It belongs to another size of the image, which the trainer takes from its name. */
  'ERR_CACHE_STALE',
  /** `{image}.npz`, which the trainer reads before the newer cache beside it. */
  'ERR_CACHE_SHADOW',
  /** Caches of one folder were made with different VAEs or settings. */
  'ERR_CACHE_MIXED',
  /** There is no image of its name. */
  'ERR_CACHE_ORPHAN',
  /** Images that differ only in their extension share it. */
  'ERR_NAME_COLLISION',
  /** A temporary file of a run that was killed. */
  'ERR_CACHE_LEFTOVER',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number] | ErrorCode;

/** A cache in which nothing was found. */
export interface OkResult {
  readonly type: 'ok';
  readonly path: string;
  readonly ours: boolean;
  /** Its data were read, not only its headers. */
  readonly dataRead: boolean;
}

export interface ProblemResult {
  readonly type: 'problem';
  readonly path: string;
  readonly code: ProblemCode;
  readonly message: string;
  readonly remedy: string;
  /** Made by latent-cache as a whole, so that it can be made again. */
  readonly ours: boolean;
  /** `--repair` removed the file. */
  readonly repaired: boolean;
}

export interface VerifySummary {
  readonly type: 'summary';
  /** Caches that were looked at, and those of them without a problem. */
  readonly files: number;
  readonly ok: number;
  /** Caches of which all data were read. */
  readonly dataRead: number;
  /** Caches that others wrote, at least in part. */
  readonly foreign: number;
  readonly problems: number;
  readonly repaired: number;
  readonly problemsByCode: Readonly<Partial<Record<ProblemCode, number>>>;
  /** Images without a cache: the trainer encodes them itself. */
  readonly imagesWithoutCache: number;
  /** Files named `*.npz` that no trainer takes for a latent cache. */
  readonly ignored: number;
  readonly seconds: number;
}

export type VerifyEvent = OkResult | ProblemResult | VerifySummary;

/** A problem before it is known what becomes of its file. */
export interface Finding {
  readonly code: ProblemCode;
  readonly message: string;
  readonly remedy: string;
  /**
   * The file is wrong by itself or against its image, so that one of ours may be removed. What only differs from the
   * options of this call is left: the options may be what is wrong.
   */
  readonly removable: boolean;
}

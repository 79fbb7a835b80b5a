/** What a self-test found: plain data, as `--json` prints it. */
import type { FailureCode } from './failure.js';

export type SelftestStatus = 'pass' | 'fail' | 'skip';

/** Bytes, seconds, decibels and the like, by what they are called. */
export type Figures = Readonly<Record<string, number | string | boolean>>;

export interface SelftestCheck {
  /** 'small.fp16.golden': what is tested, in which precision, how. */
  readonly id: string;
  readonly title: string;
  readonly status: SelftestStatus;
  /** Of a failure; null otherwise. */
  readonly code: FailureCode | null;
  /** Why it failed or was skipped; null when it passed. Without paths. */
  readonly message: string | null;
  readonly figures: Figures;
  readonly seconds: number;
}

/**
 * `pass`: nothing failed, and the device's results were compared with known answers. `simulated`: nothing failed, but the
 * device is simulated, so that nothing about any hardware is proven.
 */
export type SelftestVerdict = 'pass' | 'fail' | 'simulated';

export type SelftestMode = 'quick' | 'default' | 'full';

export interface SelftestReport {
  readonly format: 1;
  readonly verdict: SelftestVerdict;
  /** One sentence. */
  readonly summary: string;
  /** What to do first after a failure; null otherwise. */
  readonly remedy: string | null;
  readonly mode: SelftestMode;
  /** 'cuda:0', 'cpu' … */
  readonly device: string;
  /** Why 'auto' chose it; null when it was asked for. */
  readonly deviceReason: string | null;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Versions, names and sizes of what was tested. */
  readonly environment: Figures;
  /** In the order in which they ran. */
  readonly checks: readonly SelftestCheck[];
}

/** While it runs. */
export type SelftestEvent =
  | { readonly type: 'begin'; readonly id: string; readonly title: string }
  | { readonly type: 'end'; readonly check: SelftestCheck }
  | { readonly type: 'note'; readonly message: string };

/** What `doctor` says. Part of the public API and of `--json`; `schema` grows when a field changes its meaning. */

export const CHECK_IDS = [
  'node',
  'addon',
  'packages',
  'card',
  'driver',
  'device-files',
  'visible-devices',
  'cuda-runtime',
  'gpu',
  'vram',
  'plugins',
  'tensorrt',
  'engine-folder',
  'cpu',
  'cpu-backend',
  'memory',
  'limits',
  'output-folders',
] as const;
export type CheckId = (typeof CHECK_IDS)[number];

/**
 * `ok`; `warning`: works, but slowly or not for long; `missing`: is not there; `failed`: is there and cannot be used;
 * `skipped`: says nothing, because of an earlier check or because it does not matter here.
 */
export type CheckStatus = 'ok' | 'warning' | 'missing' | 'failed' | 'skipped';

export interface Remedy {
  /** A full sentence. */
  readonly text: string;
  /** What to type in a shell, where one line does it. */
  readonly command?: string;
}

export interface CheckResult {
  readonly id: CheckId;
  readonly status: CheckStatus;
  /** One line. */
  readonly summary: string;
  /** More lines: where was looked, what else is there. */
  readonly details: readonly string[];
  readonly remedy?: Remedy;
}

export interface Fix extends Remedy {
  readonly check: CheckId;
}

export interface Verdict {
  /**
   * What `build` does with `--backend auto`: `gpu` and `cpu` encode there; `stops`: it ends with an error, or crashes, although
   * the CPU could encode; `none`: nothing can encode.
   */
  readonly outcome: 'gpu' | 'cpu' | 'stops' | 'none';
  readonly text: string;
  /** What encodes, or with `stops` would encode if it were asked for by name; null when nothing can. */
  readonly backend: 'tensorrt' | 'onednn' | 'onnxruntime' | null;
  readonly precision: string | null;
  /** 'cuda:0', or null for the CPU. */
  readonly device: string | null;
  /** Whether anything tells of an NVIDIA card in this machine. */
  readonly hasCard: boolean;
  /** In the order in which they are to be made. */
  readonly fixes: readonly Fix[];
}

export interface DoctorReport {
  readonly schema: 1;
  /** Of this package. */
  readonly version: string;
  /** In the order in which they must be repaired. */
  readonly checks: readonly CheckResult[];
  readonly verdict: Verdict;
}

/** What is asked of a library in a process of its own, and how that can end. */
import type { PlainError } from '../encoder/plain-error.js';
import type { BackendInfo, CudaStatus, DeviceMemory, NvmlStatus } from '../native/binding.js';

export type ProbeRequest =
  | { readonly kind: 'addon' }
  | { readonly kind: 'module'; readonly name: ModuleName }
  | { readonly kind: 'nvml'; readonly libraryFolders: readonly string[] }
  | { readonly kind: 'cuda'; readonly libraryFolders: readonly string[]; readonly device: number }
  | { readonly kind: 'plugin'; readonly libraryFolders: readonly string[]; readonly plugin: string };

export type ModuleName = 'sharp' | 'libsql' | 'onnxruntime-node';
export type ProbeKind = ProbeRequest['kind'];

export interface ModuleAnswer {
  readonly version: string | null;
  /** null: it loads. */
  readonly problem: 'missing' | 'broken' | null;
  readonly reason: string | null;
}

export interface CudaAnswer {
  readonly status: CudaStatus;
  /** Of the device asked about; null when there is no such device. */
  readonly memory: DeviceMemory | null;
  readonly memoryError: PlainError | null;
}

export interface ProbeAnswers {
  readonly addon: { readonly instructionSet: string };
  readonly module: ModuleAnswer;
  readonly nvml: NvmlStatus;
  readonly cuda: CudaAnswer;
  readonly plugin: BackendInfo;
}

/** From the child. */
export type ProbeMessage =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: PlainError };

/** The probe's process did not say what it was asked. */
export type ProbeAccident =
  /** `how`: 'was ended by SIGSEGV' */
  | { readonly kind: 'crash'; readonly how: string; readonly output: string }
  | { readonly kind: 'hang'; readonly seconds: number; readonly output: string }
  /** An answer that no working library gives. */
  | { readonly kind: 'nonsense'; readonly what: string };

export type ProbeOutcome<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'error'; readonly error: PlainError }
  | ProbeAccident;

export type Probe = <K extends ProbeKind>(
  request: Extract<ProbeRequest, { kind: K }>,
) => Promise<ProbeOutcome<ProbeAnswers[K]>>;

export function isAccident<T>(outcome: ProbeOutcome<T>): outcome is ProbeAccident {
  return outcome.kind !== 'answer' && outcome.kind !== 'error';
}

/** 'crashed when it was tried: its process was ended by SIGSEGV' */
export function describeAccident(accident: ProbeAccident): string {
  switch (accident.kind) {
    case 'crash':
      return `crashed when it was tried: its process ${accident.how}`;
    case 'hang':
      return `did not answer within ${accident.seconds} s and was stopped`;
    case 'nonsense':
      return `answers nonsense: ${accident.what}`;
  }
}

/** What the library printed before, as lines for a report. */
export function outputOf(accident: ProbeAccident): string[] {
  if (accident.kind === 'nonsense' || accident.output === '') return [];
  return [`it printed: ${accident.output}`];
}

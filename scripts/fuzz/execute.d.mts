import type { Target } from './targets/index.mjs';

export const MEMORY_LIMIT_BYTES: number;
export const TIME_LIMIT_SECONDS: number;
export function execute(
  target: Target,
  bytes: Buffer,
  file: string,
): Promise<{ kind: string; message: string; stack: string } | undefined>;
export function peakBytes(): number;
export function resetPeak(): void;

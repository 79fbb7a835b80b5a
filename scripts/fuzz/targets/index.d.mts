export interface Target {
  run(bytes: Buffer, file: string): Promise<void>;
}

export const TARGETS: readonly string[];
export function loadTarget(name: string): Promise<Target>;

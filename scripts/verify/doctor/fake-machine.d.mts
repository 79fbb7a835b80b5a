import type { FileLook, Machine } from '../../../dist/doctor/machine.js';

export interface FakeFile extends Partial<FileLook> {
  readonly text?: string;
  readonly closed?: boolean;
  readonly realPath?: string;
  readonly freeBytes?: number;
}

export function fakeMachine(
  about: Partial<Machine> & { readonly files?: Readonly<Record<string, string | FakeFile>> },
): Machine;

/** What the header of an engine file says, and reading it back from a file that may hold anything. */
import type { EngineShape, RunMemory } from '../../native/binding.js';

/** Exact bytes of a run of one shape. */
export interface MeasuredRun extends RunMemory {
  readonly shape: EngineShape;
}

export interface EngineRecord {
  /** For people: 'fp16 1024×1024, up to 8 images'. */
  readonly description: string;
  /** The GPU's name, for people. */
  readonly device: string;
  readonly runtime: string;
  readonly minimum: EngineShape;
  readonly optimum: EngineShape;
  readonly maximum: EngineShape;
  /** Bytes of device memory that the loaded engine holds; null when it could not be measured. */
  readonly weightBytes: number | null;
  /** Measured after the build, so that runs can be planned without loading anything. */
  readonly memory: readonly MeasuredRun[];
  /** Exponents of two by which activations are scaled; null without rescaling. For people: the weights hold them. */
  readonly exponents: readonly number[] | null;
  /** Seconds that the build took. */
  readonly buildSeconds: number;
}

const KIND = 'engine';

export function toHeader(record: EngineRecord, key: string): Record<string, unknown> {
  return { kind: KIND, key, ...record };
}

/** @returns undefined when the header is not that of the engine with this key */
export function fromHeader(header: Readonly<Record<string, unknown>>, key: string): EngineRecord | undefined {
  const {
    description,
    device,
    runtime,
    minimum,
    optimum,
    maximum,
    weightBytes,
    memory,
    exponents,
    buildSeconds,
  } = header;
  const isOurs =
    header.kind === KIND &&
    header.key === key &&
    [description, device, runtime].every((text) => typeof text === 'string') &&
    [minimum, optimum, maximum].every(isShape) &&
    (weightBytes === null || isCount(weightBytes)) &&
    Array.isArray(memory) &&
    memory.every(isMeasuredRun) &&
    (exponents === null || (Array.isArray(exponents) && exponents.every(Number.isInteger))) &&
    typeof buildSeconds === 'number';
  // every field was looked at just now
  return isOurs ? (header as unknown as EngineRecord) : undefined;
}

function isMeasuredRun(value: unknown): value is MeasuredRun {
  if (typeof value !== 'object' || value === null) return false;
  const { shape, activationBytes, inputBytes, outputBytes, arenaBytes } = value as Record<string, unknown>;
  return isShape(shape) && [activationBytes, inputBytes, outputBytes, arenaBytes].every(isCount);
}

function isShape(value: unknown): value is EngineShape {
  if (typeof value !== 'object' || value === null) return false;
  const { count, height, width } = value as Record<string, unknown>;
  return [count, height, width].every((side) => isCount(side) && side > 0);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

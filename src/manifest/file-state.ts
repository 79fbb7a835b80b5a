/** What tells whether a file is still the one that was looked at, without opening it. */
export interface FileState {
  readonly bytes: number;
  /** Last change of the content, nanoseconds since 1970. Programs can set it. */
  readonly modified: bigint;
  /** Last change of content, name or permissions, nanoseconds since 1970. No program can set it back. */
  readonly changed: bigint;
}

const VALUES = 4;
const FILE = 1n;

/**
 * One file's state in what `NativeBinding.statFiles` returned.
 *
 * @returns undefined when the path leads to no regular file
 */
export function stateAt(states: BigInt64Array, index: number): FileState | undefined {
  const at = index * VALUES;
  if (states[at] !== FILE) return undefined;
  return { bytes: Number(states[at + 1]), modified: states[at + 2]!, changed: states[at + 3]! };
}

export function sameState(a: FileState, b: FileState): boolean {
  return a.bytes === b.bytes && a.modified === b.modified && a.changed === b.changed;
}

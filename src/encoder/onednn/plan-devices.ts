import type { ProcessorNode } from './numa.js';

/** One of the devices that a CPU is opened as. */
export interface PlannedDevice {
  readonly threads: number;
  /** That the threads are bound to; left out where nothing is to be gained. */
  readonly processors?: ProcessorNode;
}

/**
 * One device for each NUMA node, so that no thread reads memory across the machine; as few nodes as hold the threads, and
 * never more threads than a node has processors. A machine with one node gets one device without binding.
 *
 * @param threads of all devices together, at least 1.
 */
export function planDevices(threads: number, nodes: readonly ProcessorNode[]): PlannedDevice[] {
  if (nodes.length < 2) return [{ threads }];
  const chosen: ProcessorNode[] = [];
  for (const node of nodes.toSorted((a, b) => b.length - a.length)) {
    if (processorsOf(chosen) < threads) chosen.push(node);
  }
  let left = threads;
  // from the smallest up: what it cannot take goes to the others
  return chosen.toReversed().map((processors, index) => {
    const share = Math.min(processors.length, Math.floor(left / (chosen.length - index)));
    left -= share;
    return { threads: share, processors };
  });
}

function processorsOf(nodes: readonly ProcessorNode[]): number {
  return nodes.reduce((sum, { length }) => sum + length, 0);
}

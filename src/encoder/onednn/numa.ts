/** Which processors of each NUMA node this process may use. */
import { type SystemFiles, systemFiles } from '../system-files.js';

const NODES = '/sys/devices/system/node';

/** Numbers of the processors of a node. */
export type ProcessorNode = readonly number[];

/** In the order of the nodes' numbers, without those that are closed to us; empty where the system does not say. */
export function numaNodes(files: SystemFiles = systemFiles()): ProcessorNode[] {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(files.read('/proc/self/status') ?? '')?.[1];
  if (allowed === undefined) return [];
  const open = new Set(parseList(allowed));
  return files
    .list(NODES)
    .map((name) => /^node(\d+)$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .sort((a, b) => Number(a) - Number(b))
    .map((number) => parseList(files.read(`${NODES}/node${number}/cpulist`) ?? ''))
    .map((processors) => processors.filter((processor) => open.has(processor)))
    .filter((processors) => processors.length > 0);
}

/** "0-2,8" → 0, 1, 2, 8 */
function parseList(text: string): number[] {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index),
  );
}

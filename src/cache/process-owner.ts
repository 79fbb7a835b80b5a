/** Names of processes in file names: whether the one that made a file still runs can be told by anyone who finds it. */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Process ids mean something within one host and one pid namespace: containers may share a folder and a host name. */
const HOST = createHash('sha256').update(`${hostname()}\n${pidNamespace()}`).digest('hex').slice(0, 8);
/** Process id and start time together name one process, also when ids are used again. */
export const OWNER_TAG = `${HOST}-${process.pid}-${startTime(process.pid) ?? 0}`;
/** What `OWNER_TAG` looks like, as part of a larger expression without groups of its own. */
export const OWNER_PATTERN = '[0-9a-f]{8}-\\d+-\\d+';

/** Whether the process of a tag runs; 'unknown' when it is one of another machine or container. */
export function ownerState(tag: string): 'running' | 'gone' | 'unknown' {
  const [host, pid, start] = tag.split('-');
  if (host !== HOST) return 'unknown';
  return startTime(Number(pid)) === start ? 'running' : 'gone';
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Start of a running process in clock ticks since boot (field 22 of /proc/PID/stat); undefined when there is none. */
function startTime(pid: number): string | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name in brackets may hold anything; count from behind it.
    return line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

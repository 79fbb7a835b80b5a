// Resident memory of this process, as Linux counts it, in bytes.
import { readFile, writeFile } from 'node:fs/promises';

async function statusLine(name) {
  const status = await readFile('/proc/self/status', 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024;
}

export const residentBytes = () => statusLine('VmRSS');
export const peakBytes = () => statusLine('VmHWM');

/** Lets the peak begin anew; false where the system does not allow it. */
export function resetPeak() {
  return writeFile('/proc/self/clear_refs', '5').then(
    () => true,
    () => false,
  );
}

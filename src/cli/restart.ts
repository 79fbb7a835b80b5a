/**
 * After some faults CUDA cannot be used again in this process, whatever one does; in a new one it can. A run that
 * nobody watches is worth that.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { SummaryEvent } from '../pipeline/events.js';

/** Whether a new process would get further: the device was lost after some images were done. */
export function isWorthRestarting({ stoppedBy, encoded }: SummaryEvent): boolean {
  return stoppedBy?.code === 'ERR_DEVICE_LOST' && encoded > 0;
}

/**
 * Runs this very command in a new process, which takes over the terminal.
 *
 * @returns its exit code; 128 and the signal's number when a signal ended it, as shells count
 */
export async function restart(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  // Ctrl-C reaches the child by itself; without a listener this process would end before it.
  const stay = () => {};
  process.on('SIGTERM', forward).on('SIGINT', stay);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
    });
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', stay);
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}

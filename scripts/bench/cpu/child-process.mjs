import { spawn } from 'node:child_process';

/**
 * Runs a measurement in a process of its own, so that its peak of memory is its own.
 *
 * @returns the last line that it prints, as JSON, or `{ missing }`: why there is none
 */
export function measure(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.on('error', (error) => resolve({ missing: error.message }));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(stdout.trim().split('\n').at(-1)));
      else
        resolve({ missing: stderr.trim().split('\n').at(-1) || `ended by ${signal ?? `exit code ${code}`}` });
    });
  });
}

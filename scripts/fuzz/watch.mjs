// Runs child.mjs and ends it when it hangs or grows too large.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MEMORY_LIMIT_BYTES, TIME_LIMIT_SECONDS } from './execute.mjs';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
const EXIT_MEMORY = 3;
/** Of clock ticks that /proc counts in. */
const TICKS_PER_SECOND = 100;

function readNumber(file, pattern) {
  try {
    return Number(pattern.exec(readFileSync(file, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function cpuSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

function startChild(args) {
  return spawn(process.execPath, ['--max-old-space-size=256', CHILD, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Resolves to why the child ended: undefined when it had done its time. */
async function guard(child, state) {
  const exited = once(child, 'exit');
  let reason;
  let last = { executions: -1, cpu: 0, since: Date.now() };
  const timer = setInterval(() => {
    const executions = readNumber(state, /^(\d+)/);
    const cpu = cpuSeconds(child.pid);
    if (executions !== last.executions) last = { executions, cpu, since: Date.now() };
    // By processor time: a busy machine is no hang. Waiting for ever costs none.
    const hangs = cpu - last.cpu > TIME_LIMIT_SECONDS || Date.now() - last.since > 60_000;
    const memory = readNumber(`/proc/${child.pid}/status`, /VmRSS:\s+(\d+)/) * 1024;
    if (hangs) reason = 'hang';
    else if (memory > MEMORY_LIMIT_BYTES) reason = 'memory';
    if (reason !== undefined) child.kill('SIGKILL');
  }, 50);
  const [code, signal] = await exited;
  clearInterval(timer);
  if (reason === undefined && code !== 0)
    reason = code === EXIT_MEMORY ? 'memory' : `crash-${signal ?? code}`;
  return reason;
}

/**
 * Fuzzes until `settings.until`, with a new process after each that had to end.
 *
 * @returns sums over all processes
 */
export async function fuzz(settings, onProgress) {
  const { folder } = settings;
  mkdirSync(path.join(folder, 'findings'), { recursive: true });
  const numbersFile = path.join(folder, 'numbers.json');
  rmSync(numbersFile, { force: true });
  const total = { executions: 0, blocks: 0, inputs: 0, peakBytes: 0, restarts: 0 };
  // every input is a file: in memory
  const scratch = mkdtempSync('/dev/shm/latent-cache-fuzz-');
  for (let round = 0; Date.now() < settings.until; round++) {
    const before = total.executions;
    const collect = () => {
      if (!existsSync(numbersFile)) return;
      const numbers = JSON.parse(readFileSync(numbersFile, 'utf8'));
      total.executions = before + (numbers.executions ?? 0);
      for (const name of ['blocks', 'inputs', 'peakBytes'])
        total[name] = Math.max(total[name], numbers[name] ?? 0);
    };
    const child = startChild([JSON.stringify({ ...settings, scratch, seed: settings.seed + round })]);
    const timer = setInterval(() => {
      collect();
      onProgress(total);
    }, 30_000);
    const reason = await guard(child, path.join(scratch, 'state'));
    clearInterval(timer);
    collect();
    if (reason === undefined) break;
    total.restarts++;
    if (total.executions === before) throw new Error(`the parsers do not start: ${reason}`);
    copyFileSync(
      path.join(scratch, 'input'),
      path.join(folder, 'findings', `${reason}-${settings.seed + round}`),
    );
    rmSync(numbersFile);
  }
  rmSync(scratch, { recursive: true });
  return total;
}

/** One input in a process of its own: what is wrong with it, and the most memory that the process held. */
export async function runAlone(target, file) {
  const child = startChild([target, file]);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const reason = await guard(child, '/dev/null');
  if (reason !== undefined)
    return { wrong: { kind: reason, message: 'the process was ended', stack: '' }, peakBytes: 0 };
  const result = JSON.parse(output);
  return result.peakBytes > MEMORY_LIMIT_BYTES
    ? { ...result, wrong: { kind: 'memory', message: '', stack: '' } }
    : result;
}

// Thousands of encode calls from several worker threads at once, with random cancellation, trim, closing and termination
// of whole threads. Every call settles as it may, every result is right, nothing is left.
// Usage: npm run stress:encoder [-- --rounds N]
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { toyCounters, toyPlan } from '../bench/toy-device.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '12' } } });
const rounds = Number(values.rounds);
const THREADS = 4;
const CALLS = 250;

process.env.LC_TOY = 'run_ms=1,capacity=2000000';
const plan = await toyPlan({ side: 64, count: 4 });
const totals = { calls: 0, done: 0, cancelled: 0, disposed: 0, outOfMemory: 0, terminated: 0, wrong: 0 };

/** One thread: to its end, or ended at a random moment. */
function runThread(terminate) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('encoder-thread.mjs', import.meta.url), {
      workerData: { location: plan.location, calls: CALLS },
    });
    worker.on('message', (counts) => {
      for (const [name, count] of Object.entries(counts)) totals[name] += count;
      if (terminate && Math.random() < 0.1) worker.terminate();
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      if (code !== 0) totals.terminated++;
      resolve();
    });
  });
}

try {
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: THREADS }, (_, thread) => runThread(thread % 2 === 1)));
  }
  const { liveBytes, liveDevices, mostInFlight, misuse } = toyCounters();
  console.log(`${totals.calls} calls from ${rounds * THREADS} worker threads, ${THREADS} at a time`);
  console.log(
    `${totals.done} encoded, ${totals.cancelled} cancelled, ${totals.disposed} dropped by closing, ` +
      `${totals.outOfMemory} out of memory, ${totals.terminated} threads terminated, ${totals.wrong} wrong`,
  );
  console.log(
    `at the end: ${liveBytes} live bytes, ${liveDevices} open devices, ${mostInFlight} runs in flight at most` +
      `${misuse === '' ? '' : `; a rule was broken: ${misuse}`}`,
  );
  const clean = totals.wrong === 0 && liveBytes === 0 && liveDevices === 0 && misuse === '';
  process.exitCode = clean ? 0 : 1;
} finally {
  await plan.remove();
}

// Does a busy GPU disturb Node? While 200 encode calls run on a slow stand-in for a device: how late a timer of the main
// thread is, and how fast sharp decodes, each beside the same without any call. Usage: npm run bench:event-loop
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { openToy, toyPlan } from './toy-device.mjs';

const CALLS = 200;
const RUN_MS = 40;
const BATCH = 4;
const SIDE = 512;
const TICK_MS = 5;
const LATE_MS = 20;
const LATE_LIMIT_PERCENT = 1;
const SPEED_LIMIT = 0.9;

process.env.LC_TOY = `run_ms=${RUN_MS}`;
const plan = await toyPlan({ side: SIDE, count: BATCH });
const device = await openToy();
const engine = await device.loadEngine(plan.location);
const images = Array.from({ length: BATCH }, (_, seed) => new Uint8Array(SIDE * SIDE * 3).fill(seed));
const photo = await sharp({
  create: { width: 768, height: 768, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 40 } },
})
  .jpeg()
  .toBuffer();

const outputs = Array.from({ length: CALLS }, () => new Float32Array(BATCH * plan.rowLength(SIDE, SIDE)));

/** All calls at once: most of them wait for the device. */
const encodeAll = () =>
  Promise.all(outputs.map((output, ticket) => device.encode(ticket, engine.id, images, SIDE, SIDE, output)));

const idle = () => sleep(CALLS * RUN_MS);

/** Ticks of a timer while `work` runs, and how many of them came late. */
async function timerLateness(work) {
  let ticks = 0;
  let late = 0;
  let worst = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const lateness = now - last - TICK_MS;
    last = now;
    ticks++;
    if (lateness > LATE_MS) late++;
    worst = Math.max(worst, lateness);
  }, TICK_MS);
  await work();
  clearInterval(timer);
  return { ticks, percent: (100 * late) / ticks, worst };
}

/** Images that sharp decodes in a second while `work` runs. */
async function decodeSpeed(work) {
  let ended = false;
  const began = performance.now();
  const working = work().then(() => {
    ended = true;
  });
  let decoded = 0;
  const decodeOn = async () => {
    while (!ended) {
      await sharp(photo).raw().toBuffer();
      decoded++;
    }
  };
  await Promise.all([working, ...Array.from({ length: 4 }, decodeOn)]);
  return decoded / ((performance.now() - began) / 1000);
}

const describeTicks = ({ ticks, percent, worst }) =>
  `${percent.toFixed(2)} % of ${ticks} ticks late by more than ${LATE_MS} ms (worst ${worst.toFixed(0)} ms)`;

try {
  console.log(`${CALLS} encode calls of ${BATCH} images ${SIDE}x${SIDE}, ${RUN_MS} ms each on the device`);
  const quiet = await timerLateness(idle);
  const busy = await timerLateness(encodeAll);
  console.log(`timer, device idle: ${describeTicks(quiet)}`);
  console.log(`timer, device busy: ${describeTicks(busy)} (limit ${LATE_LIMIT_PERCENT} %)`);

  await decodeSpeed(() => sleep(500));
  // In turns, so that a change of the machine's speed meets both.
  let alone = 0;
  let beside = 0;
  const ROUNDS = 2;
  for (let round = 0; round < ROUNDS; round++) {
    alone += (await decodeSpeed(idle)) / ROUNDS;
    beside += (await decodeSpeed(encodeAll)) / ROUNDS;
  }
  const ratio = beside / alone;
  console.log(
    `sharp: ${alone.toFixed(0)} images/s alone, ${beside.toFixed(0)} beside a busy device: ratio ${ratio.toFixed(2)} (limit ${SPEED_LIMIT})`,
  );
  process.exitCode = busy.percent < LATE_LIMIT_PERCENT && ratio >= SPEED_LIMIT ? 0 : 1;
} finally {
  await device.close();
  await plan.remove();
}

// Does a busy GPU disturb Node? While 200 encode calls run on a slow stand-in for a device: how late a timer of the main
// thread is, and how fast sharp decodes, each beside the same without any call. Usage: npm run bench:event-loop
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { openToy, toyPlan } from './toy-device.mjs';

const CALLS = 200;
const RUN_MS = 40;
const BATCH = 4;
const TURNS = 8;
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

/** Calls all at once: most of them wait for the device. */
const encode = (calls) =>
  Promise.all(
    outputs
      .slice(0, calls)
      .map((output, ticket) => device.encode(ticket, engine.id, images, SIDE, SIDE, output)),
  );
/** As long as that takes. */
const idle = (calls) => sleep(calls * RUN_MS);

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
  const quiet = await timerLateness(() => idle(CALLS));
  const busy = await timerLateness(() => encode(CALLS));
  console.log(`timer, device idle: ${describeTicks(quiet)}`);
  console.log(`timer, device busy: ${describeTicks(busy)} (limit ${LATE_LIMIT_PERCENT} %)`);

  await decodeSpeed(() => sleep(500));
  // In short turns, so that other programs on the machine disturb both alike; the median drops the worst of them.
  const turns = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const alone = await decodeSpeed(() => idle(CALLS / TURNS));
    const beside = await decodeSpeed(() => encode(CALLS / TURNS));
    turns.push({ alone, beside, ratio: beside / alone });
  }
  const { alone, beside, ratio } = turns.sort((a, b) => a.ratio - b.ratio)[TURNS >> 1];
  console.log(
    `sharp: ${alone.toFixed(0)} images/s alone, ${beside.toFixed(0)} beside a busy device: ratio ${ratio.toFixed(2)} (median of ${TURNS} turns, limit ${SPEED_LIMIT})`,
  );
  process.exitCode = busy.percent < LATE_LIMIT_PERCENT && ratio >= SPEED_LIMIT ? 0 : 1;
} finally {
  await device.close();
  await plan.remove();
}

// One thread of encoder.mjs: opens devices one after the other and treats each of them badly.
import { parentPort, workerData } from 'node:worker_threads';
import { openToy } from '../bench/toy-device.mjs';

const { location, calls } = workerData;
const SIZES = [16, 32, 48, 64];
const CHANNELS = 8;
const STRIDE = 8;
const CODES = {
  ERR_ABORTED: 'cancelled',
  ERR_ENCODER_DISPOSED: 'disposed',
  ERR_DEVICE_OUT_OF_MEMORY: 'outOfMemory',
};
const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** What one call comes to. All pixels of an image are equal, so its row is: the pixel plus the channel's number. */
async function encodeOne(device, engine, ticket) {
  const [height, width] = [pick(SIZES), pick(SIZES)];
  const values = Array.from({ length: pick([1, 2, 3, 4]) }, () => Math.floor(Math.random() * 200));
  const images = values.map((value) => new Uint8Array(height * width * 3).fill(value));
  const plane = (height / STRIDE) * (width / STRIDE);
  const output = new Float32Array(values.length * CHANNELS * plane);
  try {
    await device.encode(ticket, engine, images, height, width, output);
  } catch (error) {
    return CODES[error.code] ?? 'wrong';
  }
  const right = output.every((value, index) => {
    const channel = Math.floor(index / plane);
    return value === values[Math.floor(channel / CHANNELS)] + (channel % CHANNELS);
  });
  return right ? 'done' : 'wrong';
}

for (let left = calls; left > 0; ) {
  // The smaller budget holds small batches only.
  const device = await openToy({ slots: pick([1, 2, 3]), memoryBudget: pick([60_000, 2 ** 24]) });
  const engine = await device.loadEngine(location);
  const count = Math.min(left, 1 + Math.floor(Math.random() * 60));
  left -= count;
  const running = [];
  for (let ticket = 0; ticket < count; ticket++) {
    running.push(encodeOne(device, engine.id, ticket));
    if (Math.random() < 0.2) device.cancel(Math.floor(Math.random() * (ticket + 1)));
    if (Math.random() < 0.05) device.trim().catch(() => {});
    if (Math.random() < 0.3) await pick(running);
  }
  if (Math.random() < 0.5) await device.close();
  const counts = { calls: count };
  for (const outcome of await Promise.all(running)) counts[outcome] = (counts[outcome] ?? 0) + 1;
  parentPort.postMessage(counts);
}

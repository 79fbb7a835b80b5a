// Whole runs of the command line: with another program on the card, killed, and with a device that is lost.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sharp } from '../../../dist/sharp.js';
import { card, usedFallsTo } from './card.mjs';
import { cli, Hog } from './processes.mjs';

const GIB = 2 ** 30;
const SIZES = [
  [1024, 1024],
  [832, 1216],
  [1216, 832],
  [1536, 1536],
];

async function writeImages(folder, count) {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const [width, height] = SIZES[index % SIZES.length];
    const background = { r: index % 256, g: (index * 7) % 256, b: (index * 13) % 256 };
    await sharp({ create: { width, height, channels: 3, background } })
      .jpeg({ quality: 80 })
      .toFile(path.join(folder, `${String(index).padStart(5, '0')}.jpg`));
  }
}

const options = (images, { vae, folder }) => [
  ...['build', images, '--vae', vae, '--model', 'sdxl', '--backend', 'tensorrt', '--precision', 'fp32'],
  ...[
    '--resolution',
    '1536,1536',
    '--enable-bucket',
    '--bucket-no-upscale',
    '--max-bucket-reso',
    '2048',
    '--engine-dir',
    path.join(folder, 'engines'),
  ],
  ...['--log-format', 'json'],
];

/** What a run that went well prints last. */
function summaryOf({ code, signal, stdout, stderr }) {
  assert.equal(code ?? signal, 0, stderr.slice(-3000));
  assert.ok(!stderr.includes('fake TensorRT'), stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

const caches = (folder) => readdirSync(folder).filter((name) => name.endsWith('.npz')).length;

/** As much for each pixel as TensorRT is expected to take of a full-size VAE in fp16, and a run of 20 ms. */
const HEAVY = { LC_FAKE_TRT: 'pixel_bytes=1000,run_us=20000' };

/** Another program holds nearly everything, gives back and takes again, all the time. */
export async function sharedCard({ vae, folder }) {
  const images = path.join(folder, 'shared');
  await writeImages(images, 400);
  const hog = new Hog();
  await hog.hold(0);
  const free = (await card()).freeBytes;
  assert.equal(await hog.hold(free - 8 * GIB), 0);
  const run = cli(options(images, { vae, folder }), HEAVY);
  let isOver = false;
  run.ended.then(() => {
    isOver = true;
  });
  let moves = 0;
  let refused = 0;
  while (!isOver) {
    await sleep(400);
    const room = [3, 8, 5, 4][moves++ % 4] * GIB;
    if ((await hog.hold(free - room)) !== 0) refused++;
  }
  await hog.end();
  const summary = summaryOf(await run.ended);
  assert.equal(summary.failed, 0);
  assert.equal(caches(images), 400);
  const { peak, budget, actions } = summary.memory;
  const gib = (bytes) => (bytes / GIB).toFixed(2);
  assert.ok(peak <= budget, `${peak} bytes of a budget of ${budget}`);
  return (
    `400 images, the other program moved ${moves} times (${refused} refused); peak ${gib(peak)} of ${gib(budget)} GiB; ` +
    `actions ${JSON.stringify(actions)}`
  );
}

/** SIGKILL in the middle: the card is as free as before, and a second run does the rest. */
export async function killedRun({ vae, folder }) {
  const images = path.join(folder, 'killed');
  await writeImages(images, 200);
  const before = (await card()).usedBytes;
  const run = cli(options(images, { vae, folder }), HEAVY);
  while (caches(images) < 40) {
    assert.ok(run.child.exitCode === null, run.output.stderr);
    await sleep(20);
  }
  const during = (await card()).usedBytes;
  run.child.kill('SIGKILL');
  await run.ended;
  const done = caches(images);
  await usedFallsTo(before + 2 ** 20, 10);
  const summary = summaryOf(await cli(options(images, { vae, folder }), HEAVY).ended);
  assert.equal(summary.encoded + summary.skipped, 200);
  return `killed after ${done} of 200 with ${((during - before) / 2 ** 20).toFixed(0)} MiB on the card; all came back; the second run encoded ${summary.encoded}, skipped ${summary.skipped}`;
}

/** A run reads an address that nobody has, an error after which CUDA is of no use in that process. */
export async function lostDevice({ vae, folder }) {
  const images = path.join(folder, 'lost');
  await writeImages(images, 200);
  const { code, stdout, stderr } = await cli(options(images, { vae, folder }), {
    LC_FAKE_TRT: 'pixel_bytes=1000,run_us=2000,crash_at=12',
  }).ended;
  assert.equal(code, 0, stderr.slice(-2000) + stdout.slice(-2000));
  assert.equal(caches(images), 200);
  const lost = stdout.split('\n').filter((line) => line.includes('ERR_DEVICE_LOST')).length;
  assert.ok(lost > 0, stdout.slice(-2000));
  return `200 images done although the device was lost at every twelfth run (${lost} lines name it)`;
}

// A million tiny images through the whole pipeline with a simulated GPU: memory must stay flat, and a second run, which
// has nothing to do, must be quick. Files are written for real. Usage: npm run stress:million [-- --images 1000000 --keep DIR]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeSeededVae } from '../../dist/model/seeded-vae.js';

const { values } = parseArgs({ options: { images: { type: 'string', default: '1000000' } } });
const count = Number(values.images);
const PER_FOLDER = 1000;
const SIDE = 8;

/** An uncompressed image of SIDE × SIDE pixels, different for each index. */
function bitmap(index) {
  const bytes = Buffer.alloc(54 + SIDE * SIDE * 3);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(SIDE, 18);
  bytes.writeInt32LE(SIDE, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let at = 54; at < bytes.length; at++) bytes[at] = (index * 31 + at * 7) % 256;
  bytes.writeUInt32LE(index, 54);
  return bytes;
}

function writeImages(folder) {
  for (let index = 0; index < count; index++) {
    const parent = path.join(folder, String(Math.floor(index / PER_FOLDER)).padStart(5, '0'));
    if (index % PER_FOLDER === 0) mkdirSync(parent, { recursive: true });
    writeFileSync(path.join(parent, `${String(index).padStart(7, '0')}.bmp`), bitmap(index));
  }
}

async function run(folder, vae) {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('million-child.mjs', import.meta.url)), folder, vae],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, LATENT_CACHE_SIM: 'pace=0' } },
  );
  const samples = [];
  let last;
  const exit = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const message = JSON.parse(line);
    if (message.type === 'progress') samples.push(message);
    else last = message;
  }
  const [code] = await exit;
  if (code !== 0 || last === undefined) throw new Error(`the run ended with ${code}`);
  return { ...last, samples, seconds: (performance.now() - began) / 1000 };
}

const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);

const root = await mkdtemp(path.join(tmpdir(), 'latent-cache-million-'));
try {
  const vae = path.join(root, 'vae.safetensors');
  await writeSeededVae(vae, { seed: 3, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
  const folder = path.join(root, 'images');
  writeImages(folder);

  const first = await run(folder, vae);
  const from = first.samples.filter(({ part }) => part >= 0.1);
  const resident = from.map(({ rssBytes }) => rssBytes);
  const start = resident[0];
  const most = Math.max(...resident);
  const growth = (most / start - 1) * 100;
  const busy = (first.busyMilliseconds / first.summary.encoded) * 1000;
  console.log(
    `first run: ${first.summary.encoded} encoded, ${first.summary.failed} failed in ${first.seconds.toFixed(0)} s ` +
      `(${(first.summary.encoded / first.seconds).toFixed(0)} images/s)`,
  );
  console.log(
    `resident memory: ${mib(start)} MiB at 10 %, at most ${mib(most)} MiB after it (${growth.toFixed(1)} %)`,
  );
  for (let tenth = 0; tenth <= 10; tenth++) {
    const at = first.samples.find(({ part }) => part >= tenth / 10);
    if (at === undefined) continue;
    console.log(
      `  ${String(tenth * 10).padStart(3)} %: ${mib(at.rssBytes)} MiB resident, ` +
        `JS heap ${mib(at.heapUsed)} of ${mib(at.heapTotal)} MiB, outside it ${mib(at.external)} MiB`,
    );
  }
  console.log(`main thread: ${busy.toFixed(0)} µs an image`);

  const second = await run(folder, vae);
  const rate = second.summary.skipped / second.seconds;
  console.log(
    `second run: ${second.summary.skipped} skipped in ${second.seconds.toFixed(1)} s with start and end: ${rate.toFixed(0)} images/s, ` +
      `at most ${mib(second.maxRssBytes)} MiB`,
  );
  const isGood =
    first.summary.encoded === count && growth <= 5 && second.summary.skipped === count && rate >= 20_000;
  process.exitCode = isGood ? 0 : 1;
} finally {
  await rm(root, { recursive: true, force: true });
}

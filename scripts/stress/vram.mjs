// A simulated 12 GB card and twelve buckets, while another program takes and gives back 3 GB at random: no image may be
// lost and the memory must stay inside the budget, with and without --highvram. Real decoding and resizing, no files.
// Usage: npm run stress:vram [-- --images 20000 --profile rtx-3060 --seed 1 --others 3GiB]
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { buildCache } from '../../dist/index.js';
import { writeSeededVae } from '../../dist/model/seeded-vae.js';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '20000' },
    profile: { type: 'string', default: 'rtx-3060' },
    seed: { type: 'string', default: '1' },
    others: { type: 'string', default: '3GiB' },
  },
});
const count = Number(values.images);

/** Six buckets of about 1024² pixels, six of about 1536². */
const SIZES = [
  [1024, 1024],
  [1152, 896],
  [896, 1152],
  [1216, 832],
  [832, 1216],
  [1344, 768],
  [1536, 1536],
  [1728, 1344],
  [1344, 1728],
  [1856, 1280],
  [1280, 1856],
  [2048, 1152],
];
/** Different images of each size; the others are links to them. */
const KINDS = 4;

async function drawImages(folder) {
  await mkdir(folder);
  for (const [bucket, [width, height]] of SIZES.entries()) {
    for (let kind = 0; kind < KINDS; kind++) {
      const background = { r: 20 * bucket, g: 60 * kind, b: 128 };
      await sharp({ create: { width, height, channels: 3, background } })
        .png()
        .toFile(path.join(folder, `kind-${bucket}-${kind}.png`));
    }
  }
  for (let index = SIZES.length * KINDS; index < count; index++) {
    const source = path.join(
      folder,
      `kind-${index % SIZES.length}-${Math.floor(index / SIZES.length) % KINDS}.png`,
    );
    await link(source, path.join(folder, `image${String(index).padStart(7, '0')}.png`));
  }
}

async function run(folder, vae, options) {
  process.env.LATENT_CACHE_SIM = `pace=0 others_random=${values.others}:60 seed=${values.seed} world=${JSON.stringify(options).length}`;
  const outcome = { squeezes: 0, messages: [], batches: null, summary: null };
  for await (const event of buildCache({
    inputs: [folder],
    model: 'sdxl',
    vae,
    backend: `sim:${values.profile}`,
    resolution: 1536,
    enableBucket: true,
    bucketNoUpscale: true,
    maxBucketReso: 2048,
    oomFallback: 'fail',
    ...options,
  })) {
    if (event.type === 'batches') outcome.batches = event;
    if (event.type === 'memory' && event.action === 'not-resident') outcome.messages.push(event.message);
    if (event.type === 'summary') outcome.summary = event;
  }
  return outcome;
}

function report(title, { summary, batches, messages }) {
  const { memory, encoded, failed, remaining, stoppedBy } = summary;
  const gib = (bytes) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  console.log(`\n${title}`);
  for (const message of messages) console.log(`  ${message}`);
  console.log(
    `  images ${encoded} encoded, ${failed} failed, ${remaining} left; ended by ${stoppedBy?.code ?? 'nothing'}`,
  );
  console.log(
    `  simulated VRAM: peak ${gib(memory.peak)}, budget ${gib(memory.budget)} of ${gib(batches.total)}`,
  );
  console.log(`  actions ${JSON.stringify(memory.actions)}`);
  for (const { width, height, planned, changes, spans } of memory.buckets) {
    const shown = spans.slice(0, 6).map(({ batch, images }) => `${images} by ${batch}`);
    console.log(
      `  ${width}x${height}: planned ${planned}, ${changes} changes: ${shown.join(', ')}${spans.length > 6 ? ' …' : ''}`,
    );
  }
  const isGood = failed === 0 && remaining === 0 && encoded === count && memory.peak <= memory.budget;
  if (!isGood) process.exitCode = 1;
}

const root = await mkdtemp(path.join(tmpdir(), 'latent-cache-vram-'));
try {
  const vae = path.join(root, 'vae.safetensors');
  await writeSeededVae(vae, { seed: 3, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
  const folder = path.join(root, 'images');
  await drawImages(folder);
  report(
    `sim:${values.profile}, ${count} images, another program takes and gives back ${values.others}`,
    await run(folder, vae, {}),
  );
  report('the same with --highvram', await run(folder, vae, { highvram: true }));
} finally {
  await rm(root, { recursive: true, force: true });
}

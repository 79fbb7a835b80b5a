// Everything but the encoder: JPEG files → pixels of the bucket and written npz, ours beside sharp's decoding alone and
// beside Pillow + OpenCV + numpy, in one run. Usage: npm run bench:host [-- --images N --rounds N]
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.env.UV_THREADPOOL_SIZE ??= String(availableParallelism() + 2);
const { default: sharp } = await import('sharp');
const { buildCache, BucketSelector, loadBinding, planGeometry } = await import('../../dist/index.js');
const { nullEncoder } = await import('./null-encoder.mjs');
const { makePhotos } = await import('./sample-photos.mjs');

const { values } = parseArgs({
  options: { images: { type: 'string', default: '240' }, rounds: { type: 'string', default: '3' } },
});
const count = Number(values.images);
const rounds = Number(values.rounds);
const python = process.env.PYTHON ?? '/usr/bin/python3';
const buckets = {
  resolution: { width: 1024, height: 1024 },
  enableBucket: true,
  minBucketReso: 256,
  maxBucketReso: 2048,
  bucketResoSteps: 64,
  bucketNoUpscale: false,
};

async function timed(work) {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const used = process.cpuUsage(cpu);
  return { wall: (performance.now() - wall) / 1000, cpu: (used.user + used.system) / 1e6 };
}

async function decodeAll(files) {
  const queue = [...files];
  const worker = async () => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      await sharp(await readFile(file), { ignoreIcc: true })
        .removeAlpha()
        .raw()
        .toBuffer();
    }
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));
}

async function ours(folder, outDir) {
  const encoder = { encoder: nullEncoder(), fingerprint: 'null' };
  for await (const event of buildCache({ inputs: [folder], model: 'sdxl', encoder, outDir, ...buckets })) {
    if (event.type === 'summary' && event.encoded !== count)
      throw new Error(`only ${event.encoded} images done`);
  }
}

async function baseline(files, folder, threads) {
  const selector = new BucketSelector(buckets);
  const plan = [];
  for (const [index, file] of files.entries()) {
    const { width, height } = await sharp(file).metadata();
    const { bucket, resized, crop, cropLtrb } = planGeometry(selector, { width, height });
    plan.push({
      path: file,
      original: [width, height],
      resized: [resized.width, resized.height],
      crop: [crop.left, crop.top],
      bucket: [bucket.width, bucket.height],
      cropLtrb,
      output: path.join(folder, `${index}.npz`),
    });
  }
  const planFile = path.join(folder, 'plan.json');
  await writeFile(planFile, JSON.stringify(plan));
  const script = fileURLToPath(new URL('./host_baseline.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync(python, [script, planFile, String(threads)], {
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new Error(
      `${python} could not run the baseline (python3-pil, python3-opencv, python3-numpy?): ${stderr}`,
    );
  return JSON.parse(stdout);
}

/** The round with the least CPU time: other load only ever adds. */
const best = (results) => results.reduce((a, b) => (b.cpu < a.cpu ? b : a));

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-bench-'));
try {
  const files = await makePhotos(path.join(folder, 'photos'), count);
  const results = { decode: [], ours: [], python: [] };
  for (let round = 0; round < rounds; round++) {
    results.decode.push(await timed(() => decodeAll(files)));
    const outDir = path.join(folder, `out${round}`);
    results.ours.push(await timed(() => ours(path.join(folder, 'photos'), outDir)));
    results.python.push(await baseline(files, folder, availableParallelism()));
  }
  const rows = [
    ['sharp decoding alone', best(results.decode)],
    ['latent-cache, all but the encoder', best(results.ours)],
    ['Pillow + OpenCV + numpy', best(results.python)],
  ];
  console.log(
    `${count} JPEG photos, ${rounds} rounds, best of each; ${cpus()[0].model}, ${availableParallelism()} processors`,
  );
  console.log(
    `sharp ${sharp.versions.sharp}, pixel kernels ${loadBinding().instructionSet()}; ${results.python[0].versions}`,
  );
  console.log(
    `${''.padEnd(36)}${'images/s'.padStart(10)}${'per core'.padStart(10)}   (per core: images for each second of CPU time)`,
  );
  for (const [name, { wall, cpu }] of rows) {
    console.log(
      `${name.padEnd(36)}${(count / wall).toFixed(1).padStart(10)}${(count / cpu).toFixed(1).padStart(10)}`,
    );
  }
  const [decode, own, other] = rows.map(([, result]) => result);
  console.log(
    `ours / Pillow + OpenCV + numpy: ${(other.cpu / own.cpu).toFixed(2)} per core, ${(other.wall / own.wall).toFixed(2)} in all`,
  );
  console.log(
    `ours / sharp decoding alone:    ${(decode.cpu / own.cpu).toFixed(2)} per core, ${(decode.wall / own.wall).toFixed(2)} in all`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

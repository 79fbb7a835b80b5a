// Seconds per image and peak memory of the CPU encoder beside torch's: the same weights (full-size SDXL, seeded), the
// same images, the same number of threads, one run. Each measurement is a process of its own, so that its peak is its
// own (VmHWM of /proc/self/status).
//
//   npm run bench:cpu -- [--full] [--threads N] [--repeats N] [--json FILE]
//
// --full adds 1024×1024. PYTHON names the Python that has torch; default: /usr/bin/python3.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = (name) => new URL(`../../dist/${name}`, import.meta.url).href;

/** As trainers run it, and with what makes it fastest on a CPU: its memory comes from malloc, page by page. */
const TORCH_SETTINGS = [
  { who: 'torch', flags: [], env: {} },
  {
    who: 'torch, tuned *',
    flags: ['--channels-last'],
    env: { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' },
  },
];

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    threads: { type: 'string', default: String(availableParallelism()) },
    repeats: { type: 'string', default: '3' },
    json: { type: 'string' },
    // how the bench calls itself
    child: { type: 'string' },
    size: { type: 'string' },
    means: { type: 'string' },
  },
});

/** The process that is measured: from a file on the disk to moments, as a build does it. */
async function encodeInChild(vae) {
  const started = performance.now();
  const { loadVae } = await import(dist('model/load-vae.js'));
  const { createEncoder } = await import(dist('encoder/select.js'));
  const size = Number(options.size);
  const { encoder } = await createEncoder(await loadVae(vae, { model: 'sdxl' }), {
    threads: Number(options.threads),
  });
  const startUp = (performance.now() - started) / 1000;
  const pixels = ramps(size);
  const seconds = [];
  const cpuSeconds = [];
  let moments;
  for (let i = 0; i <= Number(options.repeats); i++) {
    const before = performance.now();
    const cpuBefore = process.cpuUsage();
    moments = await encoder.encodeBatch({ images: [pixels], width: size, height: size });
    seconds.push((performance.now() - before) / 1000);
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuSeconds.push((user + system) / 1e6);
  }
  await writeFile(options.means, new Uint8Array(moments.mean.buffer));
  await encoder.dispose();
  const { runtime } = encoder.info;
  console.log(JSON.stringify({ runtime, startUp, seconds, cpuSeconds, peakBytes: await peakBytes() }));
}

/** (size, size, 3) uint8; torch_encoder.py draws the same. */
function ramps(size) {
  const pixels = new Uint8Array(size * size * 3);
  for (let i = 0; i < pixels.length; i++) {
    const x = Math.floor(i / 3) % size;
    const y = Math.floor(i / 3 / size);
    pixels[i] = 3 * x + 5 * y + 67 * (i % 3) + ((x * y) % 61);
  }
  return pixels;
}

async function peakBytes() {
  return Number(/VmHWM:\s+(\d+) kB/.exec(await readFile('/proc/self/status', 'utf8'))[1]) * 1024;
}

/** The last line that a process prints, as JSON, or why there is none. */
function measure(command, args, env = {}) {
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
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(stdout.trim().split('\n').at(-1)));
      else resolve({ missing: stderr.trim().split('\n').at(-1) || `exit code ${code}` });
    });
  });
}

async function compare(folder) {
  const { writeSeededVae } = await import(dist('model/seeded-vae.js'));
  const python = process.env.PYTHON ?? '/usr/bin/python3';
  const vae = path.join(folder, 'vae.safetensors');
  await writeSeededVae(vae, { seed: 1, layout: 'ldm' });

  const rows = [];
  for (const size of options.full ? [512, 1024] : [512]) {
    const means = (name) => path.join(folder, `${name}-${size}.f32`);
    const common = ['--size', String(size), '--threads', options.threads, '--repeats', options.repeats];
    const self = fileURLToPath(import.meta.url);
    const ours = await measure(process.execPath, [self, '--child', vae, '--means', means('ours'), ...common]);
    rows.push({ size, who: 'latent-cache', ...ours });
    for (const { who, flags, env } of TORCH_SETTINGS) {
      const script = [path.join(here, 'torch_encoder.py'), vae, '--means', means(who)];
      const theirs = await measure(python, [...script, ...common, ...flags], env);
      const isComparable = !theirs.missing && !ours.missing;
      const difference = isComparable ? await largestDifference(means('ours'), means(who)) : undefined;
      rows.push({ size, who, ...theirs, difference });
    }
  }
  return rows;
}

async function largestDifference(left, right) {
  const floats = async (file) => new Float32Array(Uint8Array.from(await readFile(file)).buffer);
  const [a, b] = await Promise.all([floats(left), floats(right)]);
  return a.reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - b[i])),
    a.length === b.length ? 0 : NaN,
  );
}

function print(rows) {
  const { model } = cpus()[0];
  console.log(
    `CPU: ${model}, ${options.threads} threads; fp32; best of ${options.repeats} after one run to warm up\n`,
  );
  // the first run warms up
  const best = (times) => Math.min(...times.slice(1));
  const line = (cells) =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(22) : cell.padStart(11))).join(''));
  for (const size of new Set(rows.map((row) => row.size))) {
    const group = rows.filter((row) => row.size === size);
    const [ours] = group;
    line([
      `${size}×${size}`,
      's/image',
      'CPU s',
      'first run',
      'start-up',
      'peak MB',
      'time',
      'CPU time',
      'peak',
      'max diff',
    ]);
    for (const row of group) {
      if (row.missing) {
        console.log(`${row.who.padEnd(22)} not measured: ${row.missing}`);
        continue;
      }
      const ratio = (of) => (row === ours || ours.missing ? '' : `${(of(row) / of(ours)).toFixed(2)}×`);
      line([
        row.who,
        best(row.seconds).toFixed(2),
        best(row.cpuSeconds).toFixed(1),
        row.seconds[0].toFixed(2),
        row.startUp.toFixed(2),
        (row.peakBytes / 1e6).toFixed(0),
        ratio((one) => best(one.seconds)),
        ratio((one) => best(one.cpuSeconds)),
        ratio((one) => one.peakBytes),
        row.difference === undefined ? '' : row.difference.toExponential(1),
      ]);
    }
    console.log();
  }
  console.log('* channels last, and GLIBC_TUNABLES=glibc.malloc.hugetlb=1 (fewer page faults)');
  console.log(
    `The last columns: how many times ours, and the largest difference of a mean value. When other programs run, CPU s is steadier than s/image. ${[...new Set(rows.map(({ runtime }) => runtime).filter(Boolean))].join(', ')}.`,
  );
}

if (options.child) {
  await encodeInChild(options.child);
} else {
  const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-bench-'));
  try {
    const rows = await compare(folder);
    print(rows);
    if (options.json)
      await writeFile(
        options.json,
        `${JSON.stringify({ cpu: cpus()[0].model, ...options, rows }, null, 1)}\n`,
      );
    // without ours there was no bench
    process.exitCode = rows.some(({ who, missing }) => who === 'latent-cache' && missing) ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

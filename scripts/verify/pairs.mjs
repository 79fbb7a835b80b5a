// For every trainer and every model that it has: the command line encodes images with a seeded VAE of the model's kind, much
// smaller than the real one, and read_caches.py, which knows the format note alone, finds every file, key and number.
// Usage: npm run verify:pairs [-- --lean] [--json]
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawImages } from './pairs/images.mjs';
import { commandLine, datasetConfig, listRuns } from './pairs/runs.mjs';
import { markdownTable } from './pairs/table.mjs';
import { writeVaes } from './pairs/vaes.mjs';

const { values } = parseArgs({ options: { lean: { type: 'boolean' }, json: { type: 'boolean' } } });
const root = fileURLToPath(new URL('../../', import.meta.url));
const python = process.env.PYTHON ?? '/usr/bin/python3';
const reader = fileURLToPath(new URL('./read_caches.py', import.meta.url));

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-pairs-'));
try {
  process.exitCode = await verify();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function verify() {
  const inside = (...names) => path.join(folder, ...names);
  const images = await drawImages(inside('images'), inside('raw'), values.lean);
  const controls = await drawImages(inside('controls'), inside('raw-controls'), values.lean, 50);
  const vaes = await writeVaes(inside('vaes'));
  const runs = listRuns(values.lean).map((run, index) => ({
    ...run,
    vae: vaes[run.vae],
    folder: inside('runs', String(index)),
  }));
  for (const run of runs) {
    await cp(inside('images'), run.folder, { recursive: true });
    const model = ['--vae', run.vae.file];
    if (run.options.controls) {
      await cp(inside('controls'), `${run.folder}-controls`, { recursive: true });
      await writeFile(`${run.folder}.toml`, datasetConfig(run));
      build(['--dataset-config', `${run.folder}.toml`, '--model', run.model, ...model]);
    } else {
      build([run.folder, ...model, ...commandLine(run)]);
    }
  }
  const list = inside('list.json');
  await writeFile(list, JSON.stringify({ images, controls, runs, references: inside('references') }));
  spawn(python, [reader, 'views', list]);
  for (const vae of Object.values(vaes)) {
    if (runs.some((run) => run.vae === vae)) encodeViews(vae, inside('references', vae.name));
  }
  const rows = spawn(python, [reader, 'check', list])
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  await report(rows);
  return rows.length > 0 && rows.every(({ faults }) => faults.length === 0) ? 0 : 1;
}

/** Latents of pixels that already have their size, raw: no rule of any trainer has a say. */
function encodeViews({ file, model }, place) {
  const steps = model === 'hunyuan-image' ? '32' : '16';
  const own = ['--format', 'safetensors', '--resolution', '1024', '--enable-bucket', '--bucket-no-upscale'];
  build([place, '--vae', file, '--model', model, ...own, '--bucket-reso-steps', steps]);
}

function build(words) {
  const bin = path.join(root, 'bin', 'latent-cache.cjs');
  spawn(process.execPath, [bin, 'build', ...words, '--backend', 'cpu']);
}

function spawn(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

async function report(rows) {
  if (values.json) {
    console.log(JSON.stringify(rows));
    return;
  }
  const table = markdownTable(rows);
  console.log(table);
  for (const { trainer, model, variant, faults } of rows) {
    for (const fault of faults) console.log(`FAULT ${trainer} ${model} (${variant}): ${fault}`);
  }
  await mkdir(path.join(root, 'test-results'), { recursive: true });
  await writeFile(path.join(root, 'test-results', 'trainer-pairs.md'), table);
  if (values.lean || rows.some(({ faults }) => faults.length > 0)) return;
  const page = path.join(root, 'docs', 'trainers.md');
  const text = await readFile(page, 'utf8');
  const generated = /<!-- pairs -->[\s\S]*<!-- \/pairs -->/;
  await writeFile(
    page,
    text.replace(generated, () => `<!-- pairs -->\n\n${table}\n<!-- /pairs -->`),
  );
}

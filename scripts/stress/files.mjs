// Every k-th operation on the data set's files goes wrong, in every way that file_faults.cpp knows: what is visible then
// is whole, and one more run ends with the bytes of a run that nothing disturbed.
// Usage: npm run stress:files [-- --runs N] [--modes LIST] [--images N]   N faults of each kind, spread evenly; default: all
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildDoubles, doublesFolder } from '../build-doubles.mjs';
import { cacheNames, differences, encodedTwice, readFolder, verify } from './lib/check.mjs';
import { BATCH, drawImages, OPTIONS, putInTheWay, writeVae } from './lib/dataset.mjs';
import { runBuild } from './lib/run.mjs';

const MODES = ['kill-before', 'kill-after', 'enospc', 'full', 'eio', 'short'];
const KILLS = ['kill-before', 'kill-after'];
/** Batches that the encoder holds: it finishes the second only when the first takes longer to write than it to encode. */
const BATCHES_AT_ONCE = 2;
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: 'Infinity' },
    modes: { type: 'string', default: MODES.join(',') },
    images: { type: 'string', default: '8' },
  },
});
const runs = Number(values.runs);
const images = Number(values.images);
const shim = path.join(doublesFolder, 'libfile_faults.so');
if (!existsSync(shim)) buildDoubles();

const root = await mkdtemp(path.join(tmpdir(), 'latent-cache-files-'));
const pristine = path.join(root, 'pristine');
const folder = path.join(root, 'data');
const log = path.join(root, 'operations');

async function freshFolder() {
  await rm(folder, { recursive: true, force: true });
  await cp(pristine, folder, { recursive: true, preserveTimestamps: true });
}

/** The run in which operation `at` goes wrong, with the operations that there were. */
async function faultyRun(vae, mode, at) {
  await rm(log, { force: true });
  const environment = {
    LD_PRELOAD: shim,
    LC_FAULTS_FOLDER: folder,
    LC_FAULTS_LOG: log,
    LC_FAULTS_MODE: mode,
    LC_FAULTS_AT: String(at),
  };
  const run = await runBuild(folder, vae, { options: OPTIONS, environment });
  const operations = (await readFile(log, 'utf8').catch(() => '')).split('\n').slice(0, -1);
  return { ...run, operations };
}

/** One fault, judged: what is wrong, and what it cost. */
async function judge(vae, mode, at, wanted) {
  await freshFolder();
  const run = await faultyRun(vae, mode, at);
  const operation = run.operations[at - 1];
  if (operation === undefined) return undefined;
  const problems = await verify(folder, await cacheNames(pristine));
  if (KILLS.includes(mode) ? run.signal !== 'SIGKILL' : ![0, 1, 2].includes(run.code)) {
    problems.push(`ended with ${run.signal ?? run.code}: ${run.stderr.slice(0, 500)}`);
  }
  if (mode === 'short' && run.code !== 0)
    problems.push(`a short write ended the run: ${run.stderr.slice(0, 500)}`);
  const left = [...(await readFolder(folder)).keys()].filter((name) => name.endsWith('.tmp'));
  const cannotRemove = operation.startsWith('unlink ');
  if (!KILLS.includes(mode) && left.length > 0 && !cannotRemove) problems.push(`left ${left.join(', ')}`);

  const whole = new Set((await cacheNames(folder)).map((name) => path.join(folder, name)));
  const again = await runBuild(folder, vae, { options: OPTIONS });
  if (again.code !== 0)
    problems.push(`the next run ended with ${again.signal ?? again.code}: ${again.stderr}`);
  problems.push(...(await verify(folder)), ...differences(await readFolder(folder), wanted));
  for (const { type, cachePath } of again.events) {
    if (type === 'encoded' && whole.has(cachePath))
      problems.push(`${cachePath} was complete and was encoded again`);
  }
  const repeated = encodedTwice(run, again, images, BATCH);
  if (repeated > BATCH * BATCHES_AT_ONCE) problems.push(`${repeated} images were encoded twice`);
  return { operation, repeated, problems: problems.map((text) => text.replaceAll(folder, '')) };
}

async function sweep(vae, mode, wanted, operations) {
  const figures = { operations: 0, runs: 0, repeated: 0, beyondBatch: 0, problems: 0 };
  const counted = mode === 'short' ? operations.filter((line) => /^p?writev? /.test(line)) : operations;
  const step = Math.max(1, Math.floor(counted.length / runs));
  for (let at = 1 + Math.floor(step / 2); figures.runs < runs; at += step) {
    const result = await judge(vae, mode, at, wanted);
    if (result === undefined) break;
    figures.operations = at;
    figures.runs++;
    figures.repeated = Math.max(figures.repeated, result.repeated);
    if (result.repeated > BATCH) figures.beyondBatch++;
    figures.problems += result.problems.length;
    for (const problem of result.problems)
      console.log(`${mode} ${at} (${result.operation.replaceAll(root, '')}): ${problem}`);
  }
  return figures;
}

try {
  const vae = await writeVae(path.join(root, 'vae.safetensors'));
  await drawImages(pristine, images);
  await putInTheWay(pristine, vae);
  await freshFolder();
  const undisturbed = await faultyRun(vae, 'none', 0);
  const wanted = await readFolder(folder);
  if (undisturbed.code !== 0 || undisturbed.passes !== 2 * images) throw new Error(undisturbed.stderr);
  console.log(
    `${images} images in batches of ${BATCH}, ${undisturbed.operations.length} operations on files in a run that nothing disturbs`,
  );
  let problems = 0;
  for (const mode of values.modes.split(',')) {
    const began = performance.now();
    const figures = await sweep(vae, mode, wanted, undisturbed.operations);
    problems += figures.problems;
    console.log(
      `${mode.padEnd(11)} up to operation ${figures.operations}: ${figures.runs} runs, each with one after it, ` +
        `${figures.problems} problems, at most ${figures.repeated} images encoded twice, more than a batch in ${figures.beyondBatch} runs ` +
        `(${Math.round((performance.now() - began) / 1000)} s)`,
    );
  }
  process.exitCode = problems === 0 ? 0 : 1;
} finally {
  await rm(root, { recursive: true, force: true });
}

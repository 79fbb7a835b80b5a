// kill -9 at random moments, again and again, then one run to the end: every image has a valid cache, the bytes are
// those of an undisturbed run, and nothing else is left. Usage: npm run stress:kill [-- --kills N] [--images N]
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cacheNames, differences, readFolder, verify } from './lib/check.mjs';
import { BATCH, drawImages, OPTIONS, writeVae } from './lib/dataset.mjs';
import { runBuild } from './lib/run.mjs';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, images: { type: 'string', default: '30' } },
});
const kills = Number(values.kills);
const images = Number(values.images);

const root = await mkdtemp(path.join(tmpdir(), 'latent-cache-kill-'));
const folder = path.join(root, 'killed');
const undisturbed = path.join(root, 'undisturbed');

/** One run that is ended at a random moment, and what it cost. */
async function killedRun(vae, longest) {
  const before = await cacheNames(folder);
  const run = await runBuild(folder, vae, {
    options: OPTIONS,
    onStart: (child) => setTimeout(() => child.kill('SIGKILL'), Math.random() * longest).unref(),
  });
  const stored = (await cacheNames(folder)).length - before.length;
  const encoded = Math.floor(run.passes / (2 * BATCH)) * BATCH;
  const writing = [...(await readFolder(folder)).keys()].some((name) => name.endsWith('.tmp'));
  return { lost: Math.max(0, encoded - stored), writing, problems: await verify(folder, []) };
}

try {
  const vae = await writeVae(path.join(root, 'vae.safetensors'));
  await drawImages(folder, images);
  await cp(folder, undisturbed, { recursive: true, preserveTimestamps: true });
  const began = performance.now();
  await runBuild(undisturbed, vae, { options: OPTIONS });
  const wholeRun = performance.now() - began;

  const problems = [];
  const sums = { lost: 0, beyondBatch: 0, writing: 0 };
  for (let kill = 0; kill < kills; kill++) {
    // Once everything is done there is nothing left to disturb: begin again with half of the caches.
    const names = await cacheNames(folder);
    if (names.length === images)
      for (const name of names.slice(0, images / 2)) await rm(path.join(folder, name));
    const result = await killedRun(vae, wholeRun);
    sums.lost = Math.max(sums.lost, result.lost);
    if (result.lost > BATCH) sums.beyondBatch++;
    if (result.writing) sums.writing++;
    problems.push(...result.problems);
  }
  const { code } = await runBuild(folder, vae, { options: OPTIONS });
  problems.push(...(await verify(folder)));
  problems.push(...differences(await readFolder(folder), await readFolder(undisturbed)));
  if (code !== 0) problems.push(`the last run ended with ${code}`);
  if (sums.lost > 2 * BATCH) problems.push(`${sums.lost} images had been encoded and were lost`);

  console.log(
    `${kills} kills, ${sums.writing} of them in the middle of a write; at most ${sums.lost} images of a run had been ` +
      `encoded and were not kept, more than a batch of ${BATCH} in ${sums.beyondBatch} runs`,
  );
  console.log(
    `after one more run: exit code ${code}, ${(await cacheNames(folder)).length} of ${images} caches, ${problems.length} problems`,
  );
  for (const problem of problems.slice(0, 20)) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await rm(root, { recursive: true, force: true });
}

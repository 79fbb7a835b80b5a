// kill -9 at random moments, again and again, then one run to the end: every image has a valid cache, the bytes are
// those of an undisturbed run, and nothing else is left. Usage: npm run stress:kill [-- --kills N]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { readCache } from '../../dist/cache/read-cache.js';
import { writeSeededVae } from '../../dist/model/seeded-vae.js';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '50' }, images: { type: 'string', default: '60' } },
});
const kills = Number(values.kills);
const count = Number(values.images);
const command = fileURLToPath(new URL('../../bin/latent-cache.cjs', import.meta.url));

async function drawImages(folder) {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const background = { r: (index * 5) % 256, g: (index * 11) % 256, b: (index * 17) % 256 };
    const size = { width: 150 + (index % 4) * 20, height: 150 + (index % 3) * 30 };
    await sharp({ create: { ...size, channels: 3, background } })
      .png()
      .toFile(path.join(folder, `image${String(index).padStart(3, '0')}.png`));
  }
}

function start(folder, vae) {
  const options = ['--model', 'sdxl', '--resolution', '128', '--threads', '1', '--posterior', 'sample'];
  return spawn(process.execPath, [command, 'build', folder, '--vae', vae, ...options], { stdio: 'ignore' });
}

const caches = async (folder) => (await readdir(folder)).filter((name) => name.endsWith('.npz')).sort();

const root = await mkdtemp(path.join(tmpdir(), 'latent-cache-kill-'));
try {
  const vae = path.join(root, 'vae.safetensors');
  await writeSeededVae(vae, { seed: 3, widths: [32, 32, 32, 32], blocksPerLevel: 1 });
  const folder = path.join(root, 'killed');
  await drawImages(folder);
  const undisturbed = path.join(root, 'undisturbed');
  await cp(folder, undisturbed, { recursive: true, preserveTimestamps: true });

  const began = performance.now();
  const reference = start(undisturbed, vae);
  await once(reference, 'exit');
  const wholeRun = performance.now() - began;
  const survivors = [];
  for (let kill = 0; kill < kills; kill++) {
    // Once everything is done there is nothing left to disturb: begin again with half of the caches.
    const names = await caches(folder);
    if (names.length === count)
      for (const name of names.slice(0, count / 2)) await rm(path.join(folder, name));
    const child = start(folder, vae);
    const exited = once(child, 'exit');
    setTimeout(() => child.kill('SIGKILL'), Math.random() * wholeRun).unref();
    await exited;
    for (const name of await caches(folder)) await readCache(path.join(folder, name)); // throws for a broken one
    survivors.push((await readdir(folder)).filter((name) => name.endsWith('.tmp')).length);
  }
  const [code] = await once(start(folder, vae), 'exit');
  const names = await caches(folder);
  const left = (await readdir(folder)).filter((name) => !name.endsWith('.npz') && !name.endsWith('.png'));
  let equal = 0;
  for (const name of names) {
    const [a, b] = await Promise.all([folder, undisturbed].map((where) => readFile(path.join(where, name))));
    if (a.equals(b)) equal++;
  }
  const interrupted = survivors.filter((files) => files > 0).length;
  console.log(
    `${kills} kills, ${interrupted} of them in the middle of a write; no broken cache was ever visible`,
  );
  console.log(
    `after one more run: exit code ${code}, ${names.length} of ${count} caches, ${equal} equal to an undisturbed run's bytes, ${left.length} other files`,
  );
  process.exitCode = code === 0 && names.length === count && equal === count && left.length === 0 ? 0 : 1;
} finally {
  await rm(root, { recursive: true, force: true });
}

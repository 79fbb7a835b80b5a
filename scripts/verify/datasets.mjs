// The trainers' own data sets, made from the files that describe them, find every cache that the command line wrote from the
// same files, load it, and would make none.
// Usage: npm run verify:datasets -- SD_SCRIPTS MUSUBI_TUNER AI_TOOLKIT [--older DIR] [--newer DIR]
// Folders of checkouts; --older is one of sd-scripts 0.9.1, --newer one with keys by size for SD and SDXL (58f7b4cd).
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { OTHER_CASES } from './datasets/other-cases.mjs';
import { SD_SCRIPTS_CASES } from './datasets/sd-scripts-cases.mjs';
import { writeVaes } from './pairs/vaes.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { older: { type: 'string' }, newer: { type: 'string' } },
});
const [sdScripts, musubi, aiToolkit] = positionals.map((each) => path.resolve(each));
if (aiToolkit === undefined) {
  console.error(
    'Usage: npm run verify:datasets -- SD_SCRIPTS MUSUBI_TUNER AI_TOOLKIT [--older DIR] [--newer DIR]',
  );
  process.exit(2);
}
const python = process.env.PYTHON ?? '/usr/bin/python3';
const bin = fileURLToPath(new URL('../../bin/latent-cache.cjs', import.meta.url));
const script = (name) => fileURLToPath(new URL(`./datasets/${name}`, import.meta.url));

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-datasets-'));
try {
  const vaes = await writeVaes(path.join(folder, 'vaes'));
  const made = await makeAll('sd-scripts', SD_SCRIPTS_CASES, vaes);
  const checkouts = { main: sdScripts, old: values.older, new: values.newer };
  const rows = Object.entries(checkouts).flatMap(([version, checkout]) =>
    checkout === undefined
      ? []
      : check(
          `sd-scripts ${version}`,
          script('sd_scripts_check.py'),
          made.filter(({ versions }) => versions.includes(version)),
          [path.resolve(checkout)],
        ),
  );
  const others = await makeAll('others', OTHER_CASES, vaes);
  rows.push(...check('', script('others_check.py'), others, [musubi, aiToolkit]));
  process.exitCode = rows.length > 0 && rows.every(({ faults }) => faults.length === 0) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function makeAll(name, cases, vaes) {
  const made = [];
  for (const [index, one] of cases.entries()) {
    const place = path.join(folder, name, String(index));
    await drawAll(place, one);
    const words = ['--vae', vaes[one.vae].file, '--model', one.model, '--backend', 'cpu', ...one.build];
    const { status, stderr } = spawnSync(process.execPath, [bin, 'build', ...words], {
      cwd: place,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${one.name} ended with ${status}\n${stderr}`);
    made.push({ ...one, folder: place });
  }
  return made;
}

async function drawAll(place, { images, texts }) {
  for (const [name, [width, height]] of Object.entries(images)) {
    const file = path.join(place, name);
    await mkdir(path.dirname(file), { recursive: true });
    const channels = name.includes('mask.png') ? 4 : 3;
    const background = { r: 30, g: 160, b: 90, alpha: 0.5 };
    let image = sharp({ create: { width, height, channels, background } });
    if (name.includes('turned')) image = image.withMetadata({ orientation: 6 });
    if (name.includes('extended')) image = image.withMetadata({ orientation: 1 });
    await writeFile(file, await encoded(image, path.extname(name).toLowerCase(), width, height));
  }
  for (const [name, text] of Object.entries(texts)) {
    await mkdir(path.dirname(path.join(place, name)), { recursive: true });
    await writeFile(path.join(place, name), text);
  }
}

function encoded(image, extension, width, height) {
  if (extension === '.bmp') return bmp(width, height);
  return image
    .toFormat({ '.jpg': 'jpeg', '.jpeg': 'jpeg', '.webp': 'webp', '.png': 'png' }[extension])
    .toBuffer();
}

function bmp(width, height) {
  const row = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + row * height, 90);
  file.fill(0, 0, 54).write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  return file;
}

function check(title, checker, cases, checkouts) {
  const list = path.join(folder, 'list.json');
  spawnSync('tee', [list], { input: JSON.stringify(cases) });
  const { status, stdout, stderr } = spawnSync(python, ['-W', 'ignore', checker, list, ...checkouts], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${checker} ended with ${status}\n${stdout}${stderr}`);
  const rows = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  for (const { case: name, images, files, faults } of rows) {
    console.log(
      `${faults.length === 0 ? 'ok    ' : 'FAILED'} ${title} ${name}: ${images} images, ${files} files`,
    );
    for (const fault of faults) console.log(`       ${fault}`);
  }
  return rows;
}

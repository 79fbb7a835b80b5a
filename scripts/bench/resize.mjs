// Resampling: ours beside OpenCV and Pillow, one thread each, the same random pixels, in one run. A speed counts only
// with equal bytes, which are compared. Usage: npm run bench:resize
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loadBinding } from '../../dist/index.js';

const CASES = [
  ['area', 1536, 1024, 1248, 832, 3],
  ['area', 1536, 1024, 1248, 832, 4],
  ['area', 2048, 2048, 1024, 1024, 3],
  ['area', 4032, 3024, 1195, 896, 3],
  ['lanczos', 1024, 683, 1248, 832, 3],
  ['lanczos', 1024, 683, 1248, 832, 4],
  ['lanczos', 1536, 1024, 1248, 832, 3],
  ['box', 1536, 1024, 1248, 832, 3],
  ['bilinear', 1536, 1024, 1248, 832, 3],
  ['bicubic', 1024, 683, 1248, 832, 3],
  ['pillow-bicubic', 1536, 1024, 1248, 832, 3],
  ['pillow-bicubic', 4032, 3024, 1195, 896, 3],
  ['nearest', 1536, 1024, 1248, 832, 3],
];
const REPEATS = 15;
const binding = loadBinding();

/** The generator of resize_baseline.py: numpy's uint32 arithmetic. */
function randomBytes(count) {
  const bytes = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    let x = Math.imul(index + 1, 0x9e3779b1) >>> 0;
    x = Math.imul(x ^ (x >>> 15), 0x85ebca77) >>> 0;
    bytes[index] = x >>> 24;
  }
  return bytes;
}

async function measure([interpolation, width, height, cropWidth, cropHeight, channels]) {
  const source = randomBytes(width * height * channels);
  const area = cropWidth * cropHeight;
  const target = {
    rgb: new Uint8Array(area * 3),
    flipped: null,
    alpha: channels === 4 ? new Uint8Array(area) : null,
  };
  const resized = { resizedWidth: cropWidth, resizedHeight: cropHeight, cropLeft: 0, cropTop: 0 };
  const options = { width, height, channels, interpolation, cropWidth, cropHeight, ...resized };
  const times = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const begun = performance.now();
    await binding.transform(source, options, target);
    times.push(performance.now() - begun);
  }
  const hash = createHash('sha256').update(target.rgb);
  if (target.alpha !== null) hash.update(target.alpha);
  return { milliseconds: times.sort((a, b) => a - b)[REPEATS >> 1], sha256: hash.digest('hex') };
}

const script = fileURLToPath(new URL('./resize_baseline.py', import.meta.url));
const python = spawnSync(
  process.env.PYTHON ?? '/usr/bin/python3',
  [script, JSON.stringify(CASES), String(REPEATS)],
  {
    encoding: 'utf8',
  },
);
if (python.status !== 0)
  throw new Error(`the baseline did not run (python3-opencv, python3-pil?): ${python.stderr}`);
const baseline = JSON.parse(python.stdout);

console.log(
  `${cpus()[0].model}, kernels ${binding.instructionSet()}; ${baseline.versions}; median of ${REPEATS}, milliseconds`,
);
for (const [index, entry] of CASES.entries()) {
  const [interpolation, width, height, toWidth, toHeight, channels] = entry;
  const own = await measure(entry);
  const other = baseline.results[index];
  const title = `${interpolation} ${width}x${height} → ${toWidth}x${toHeight}, ${channels === 4 ? 'RGBA' : 'RGB'}`;
  const parity = own.sha256 === other.sha256 ? 'equal bytes' : 'DIFFERENT BYTES';
  const ratio = (other.milliseconds / own.milliseconds).toFixed(1);
  console.log(
    `${title.padEnd(44)}${other.milliseconds.toFixed(2).padStart(8)}${own.milliseconds.toFixed(2).padStart(8)}${ratio.padStart(7)}×  ${parity}`,
  );
  if (own.sha256 !== other.sha256) process.exitCode = 1;
}

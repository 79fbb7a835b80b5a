// The CPU encoders in every precision of this machine against float64, at full size: the largest error, times the standard
// deviation of the right values, of the mean and of the log variance. The reference takes minutes and needs a Python with
// torch; with libopenblas0 it is ten times faster. Exit code 1: an error of oneDNN's is beyond what the project accepts.
//
//   npm run verify:cpu-parity -- [--width 1024] [--height 1024] [--images noise,smooth,photo] [--threads N]
//
// PYTHON names the Python; default: /usr/bin/python3.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createOnednnEncoder } from '../../dist/encoder/onednn/create-encoder.js';
import { createOnnxruntimeEncoder } from '../../dist/encoder/onnxruntime-encoder.js';
import { loadVae } from '../../dist/model/load-vae.js';
import { writeSeededVae } from '../../dist/model/seeded-vae.js';
import { IMAGES } from './parity-images.mjs';

const SEED = 5;
const { values: options } = parseArgs({
  options: {
    width: { type: 'string', default: '1024' },
    height: { type: 'string', default: '1024' },
    images: { type: 'string', default: Object.keys(IMAGES).join() },
    threads: { type: 'string' },
  },
});
const width = Number(options.width);
const height = Number(options.height);
const threads = options.threads === undefined ? undefined : Number(options.threads);

/** Two right float32 implementations differ by as much. */
function float32Limit() {
  if (width * height <= 256 * 256) return 5e-5;
  return width * height <= 384 * 512 ? 2e-4 : 2e-3;
}

function reference(files) {
  const script = fileURLToPath(new URL('./cpu_parity_reference.py', import.meta.url));
  const python = process.env.PYTHON ?? '/usr/bin/python3';
  const { status, stdout } = spawnSync(python, [script, SEED, width, height, ...files], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the reference ended with ${status}`);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return files.map((file, index) => {
    const bytes = readFileSync(`${file}.moments`);
    const values = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
    const half = values.length / 2;
    return { mean: values.subarray(0, half), logvar: values.subarray(half), bfloat16: lines[index] };
  });
}

/** Written so that NaN does not slip through. */
function errorsOf(values, right) {
  let largest = 0;
  let squares = 0;
  for (let i = 0; i < right.length; i++) {
    const error = Math.abs(values[i] - right[i]);
    if (!(error <= largest)) largest = error;
    squares += error * error;
  }
  return { max: largest, rmse: Math.sqrt(squares / right.length) };
}

function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** One line of the table for each moment; whether both are within their limit. */
function judge(name, image, moments, right) {
  const verdicts = ['mean', 'logvar'].map((moment) => {
    const scale = deviation(right[moment]);
    const errors = errorsOf(moments[moment], right[moment]);
    const torch = right.bfloat16[moment];
    // the largest of bfloat16's errors is chance, their mean square is not
    const isWithin = name.endsWith(' bf16')
      ? errors.rmse <= torch.rmse
      : errors.max / scale <= float32Limit();
    const numbers = [errors.max, errors.rmse, torch.max, torch.rmse].map((value) =>
      (value / scale).toExponential(1),
    );
    const cells = [
      name.padEnd(16),
      image.padEnd(6),
      moment.padEnd(6),
      ...numbers,
      isWithin ? 'ok' : 'BEYOND',
    ];
    console.log(`| ${cells.join(' | ')} |`);
    return isWithin;
  });
  return verdicts.every(Boolean);
}

const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-parity-'));
try {
  const names = options.images.split(',');
  const images = names.map((name) => IMAGES[name](width, height));
  const files = names.map((name) => path.join(folder, name));
  for (const [index, file] of files.entries()) writeFileSync(file, images[index]);
  const vae = path.join(folder, 'vae.safetensors');
  await writeSeededVae(vae, { seed: SEED });
  const weights = await loadVae(vae, { model: 'sdxl' });
  const right = reference(files);

  const openers = [['onnxruntime fp32', () => createOnnxruntimeEncoder(weights, { threads })]];
  for (const precision of ['fp32', 'bf16x3', 'bf16'])
    openers.push([`oneDNN ${precision}`, () => createOnednnEncoder(weights, { threads, precision })]);
  console.log(
    `SDXL's encoder, full size, seeded weights, ${width}×${height}; errors over the deviation of the values.`,
  );
  console.log(
    `Limit of float32 accuracy: ${float32Limit()} for the largest; of bf16: the rmse of torch's own bfloat16.`,
  );
  console.log("| encoder | image | moment | largest | rmse | torch bf16's largest | rmse | |");
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const [name, open] of openers) {
    const encoder = await open().catch((error) => console.log(`| ${name} | ${error.message} |`));
    if (encoder === undefined) continue;
    for (const [index, image] of images.entries()) {
      const moments = await encoder.encodeBatch({ images: [image], width, height });
      const isWithin = judge(name, names[index], moments, right[index]);
      // onnxruntime is there to compare with
      if (!isWithin && name.startsWith('oneDNN')) process.exitCode = 1;
    }
    await encoder.dispose();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

// The networks that TensorRT is given, run by torch on a GPU in every precision and compared with float64: writes them
// with export-graph.mjs, runs them with gpu_graph.py. TensorRT is not needed. Takes the options of both:
//
//   npm run verify:gpu-graph -- [--device cuda|cpu] [--sizes …] [--precisions …] [--images …] [--overflow-sizes …]
//        [--parts compare,overflow,ceilings,speed] [--batches …] [--speed-sizes …] [--seconds N] [--memory GIB]
//        [--json FILE] [--out DIR]
//
// PYTHON names a Python with numpy, onnx and torch; default: /usr/bin/python3. --out keeps what was written.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FOR_EXPORT = ['device', 'sizes', 'precisions', 'images', 'overflow-sizes'];
const FOR_RUN = [
  'device',
  'parts',
  'batches',
  'speed-sizes',
  'speed-precisions',
  'seconds',
  'memory',
  'json',
];

const names = [...new Set([...FOR_EXPORT, ...FOR_RUN, 'out'])];
const { values } = parseArgs({
  options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
});
const given = { device: 'cuda', ...values };

const flags = (known) =>
  known.filter((name) => given[name] !== undefined).flatMap((name) => [`--${name}`, given[name]]);

function run(command, script, ...args) {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const { status, error } = spawnSync(command, [file, ...args], { stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}

const out = values.out ?? (await mkdtemp(path.join(tmpdir(), 'latent-cache-graphs-')));
try {
  const python = process.env.PYTHON ?? '/usr/bin/python3';
  process.exitCode =
    run(process.execPath, './export-graph.mjs', '--out', out, ...flags(FOR_EXPORT)) ||
    run(python, './gpu_graph.py', out, ...flags(FOR_RUN));
} finally {
  if (values.out === undefined) await rm(out, { recursive: true, force: true });
}

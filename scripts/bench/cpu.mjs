// The CPU encoder beside onnxruntime and torch: the same weights (full-size SDXL, seeded), the same image, the same
// number of threads, one run, and the share of what the machine can do that each reaches.
//
//   npm run bench:cpu -- [--sizes 512,1024] [--threads N] [--repeats N] [--full] [--reference] [--scaling] [--json FILE]
//
// --full      torch above 512×512 too: minutes for each image
// --reference differences from torch in float64, which is slow, instead of float32
// --scaling   only images/s with 1, 2, 4 … and all processors
// PYTHON names the Python that has torch; default: /usr/bin/python3.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { compareAt } from './cpu/compare.mjs';
import { describeMachine, machine, processors } from './cpu/machine.mjs';
import { measurePeak } from './cpu/peak.mjs';
import { NOTES, printComparison, printPeak } from './cpu/report.mjs';
import { measureScaling, printScaling } from './cpu/scaling.mjs';
import { withSeededVae } from './cpu/seeded-vae.mjs';

const TORCH_LIMIT = 512;

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '512,1024' },
    threads: { type: 'string', default: String(processors) },
    repeats: { type: 'string', default: '3' },
    full: { type: 'boolean', default: false },
    reference: { type: 'boolean', default: false },
    scaling: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const threads = Number(options.threads);
const repeats = Number(options.repeats);
const sizes = options.sizes.split(',').map(Number);

async function compareAll(folder, vae) {
  const peak = await measurePeak(threads);
  printPeak(peak);
  const hasAmx = peak.instructionSet?.includes('AMX') ?? false;
  const comparisons = [];
  for (const size of sizes) {
    const withTorch = options.full || size <= TORCH_LIMIT;
    const settings = { folder, vae, threads, repeats, peak, withTorch };
    const comparison = await compareAt(size, { ...settings, reference: options.reference });
    printComparison(comparison, hasAmx);
    if (!withTorch) console.log(`torch at ${size}×${size}: with --full\n`);
    comparisons.push(comparison);
  }
  const runtimes = comparisons.flatMap(({ rows }) => rows.map(({ runtime }) => runtime)).filter(Boolean);
  console.log(`${NOTES}\n${[...new Set(runtimes)].join(', ')}.`);
  return { peak, comparisons };
}

async function scale(vae) {
  const scaling = await measureScaling(vae, repeats);
  printScaling(scaling);
  return { scaling };
}

await withSeededVae(async (vae, folder) => {
  const here = machine();
  console.log(
    `${describeMachine(here)}; ${options.scaling ? '' : `${threads} threads, `}${repeats} repeats\n`,
  );
  const results = options.scaling ? await scale(vae) : await compareAll(folder, vae);
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ machine: here, options, ...results }, null, 1)}\n`);
});

// Runs every candidate at one size and says how far its means are from the reference's.
import path from 'node:path';
import {
  ONNXRUNTIME,
  OURS,
  TORCH_BFLOAT16,
  TORCH_FLOAT32,
  TORCH_FLOAT64,
  TORCH_TUNED,
} from './candidates.mjs';
import { compareMeans } from './differences.mjs';
import { encoderOperations } from './operations.mjs';
import { shareOfPeak } from './peak.mjs';
import { median } from './table.mjs';

/** rmse of a right bfloat16 encoder is near 1 % of the means' standard deviation; a wrong one is far beyond this. */
export const RIGHT_BFLOAT16 = 0.05;

/** Of repeats after a warm-up: best and median, seconds of wall time and of all processors together. */
function summarise({ seconds, cpuSeconds }) {
  const [wall, cpu] = [seconds.slice(1), cpuSeconds.slice(1)];
  return { best: Math.min(...wall), median: median(wall), cpu: Math.min(...cpu) };
}

/**
 * @param settings `{ folder, vae, threads, repeats, peak, reference, withTorch }`; `reference`: torch in float64 as well.
 * @returns `{ size, rows, referenceName }`; a row is `{ who, precision, isTorch, missing }` or `{ …, runtime, times,
 * peakBytes, memory?, gflops, share?, difference? }`.
 */
export async function compareAt(size, settings) {
  const { folder, vae, threads, repeats, peak, reference, withTorch } = settings;
  const meansOf = ({ who }) => path.join(folder, `${who.replaceAll(/\W+/g, '-')}-${size}.f32`);
  const measured = new Map();
  const run = async (candidate, times) => {
    const counts = ['--size', String(size), '--threads', String(threads), '--repeats', String(times)];
    measured.set(candidate, await candidate.run(['--vae', vae, '--means', meansOf(candidate), ...counts]));
  };
  const torch = withTorch ? [TORCH_FLOAT32, TORCH_TUNED, TORCH_BFLOAT16] : [];
  for (const candidate of [...OURS, ONNXRUNTIME, ...torch]) await run(candidate, repeats);
  if (reference) await run(TORCH_FLOAT64, 0);

  const isThere = (candidate) => measured.has(candidate) && !measured.get(candidate).missing;
  const base = [TORCH_FLOAT64, TORCH_FLOAT32, ONNXRUNTIME].find(isThere);
  const differenceOf = (candidate) =>
    base && isThere(candidate) ? compareMeans(meansOf(candidate), meansOf(base)) : undefined;
  const operations = encoderOperations(size);
  const rows = [];
  for (const [candidate, result] of measured) {
    if (candidate === TORCH_FLOAT64) continue;
    const { who, precision, isTorch } = candidate;
    const row = { who, precision, isTorch };
    if (result.missing) {
      rows.push({ ...row, missing: result.missing });
      continue;
    }
    const difference = candidate === base ? undefined : await differenceOf(candidate);
    if (candidate === TORCH_BFLOAT16 && !isRight(difference)) {
      rows.push({
        ...row,
        missing: `wrong result, not compared: ${describeWrong(result.runtime, difference)}`,
      });
      continue;
    }
    const times = summarise(result);
    const gflops = { wall: operations / times.best / 1e9, cpu: operations / times.cpu / 1e9 };
    rows.push({ ...row, ...result, times, gflops, share: shareOfPeak(peak, precision, gflops), difference });
  }
  return { size, operations, rows, referenceName: base?.who };
}

function isRight(difference) {
  return difference !== undefined && difference.rmse <= RIGHT_BFLOAT16 * difference.deviation;
}

function describeWrong(runtime, difference) {
  if (difference === undefined) return `${runtime}, and nothing to check it with`;
  const part = (difference.rmse / difference.deviation).toPrecision(2);
  return `${runtime} is off by ${part} of the standard deviation (rmse; ${RIGHT_BFLOAT16} would do)`;
}

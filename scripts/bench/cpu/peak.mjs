// What oneDNN itself reaches on this machine: native/bench/peak.cpp, built when it is first needed.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure } from './child-process.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const build = path.join(root, 'build-bench');
const program = path.join(build, 'native', 'bench', 'lc_onednn_peak');

/**
 * `{ library, instructionSet, float32: { one: { product, convolution }, all: … }, bfloat16?: … }`, or `{ missing }`.
 * Each rate is `{ wall, cpu }`: GFLOP/s of all `threads`, and GFLOP for each second of a processor.
 */
export async function measurePeak(threads) {
  const steps = [
    ['-S', root, '-B', build, '-DLC_BUILD_ADDON=OFF', '-DLC_BUILD_BENCH=ON', '--log-level=WARNING'],
    ['--build', build, '--target', 'lc_onednn_peak', '--parallel', '2'],
  ];
  for (const step of steps) {
    const { status, stderr, error } = spawnSync('cmake', step, { encoding: 'utf8' });
    if (status !== 0)
      return {
        missing: `lc_onednn_peak was not built: ${error?.message ?? stderr.trim().split('\n').at(-1)}`,
      };
  }
  return measure(program, [String(threads)]);
}

/** Precisions by what their products multiply, and how many products they make of one. */
const PRODUCTS = {
  fp32: { type: 'float32', times: 1 },
  bf16: { type: 'bfloat16', times: 1 },
  bf16x3: { type: 'bfloat16', times: 3 },
};

/**
 * The part of the machine's peak that an encoder of `gflops.wall` GFLOP/s and `gflops.cpu` for each second of a processor
 * reaches, by both; undefined where the peak was not measured.
 */
export function shareOfPeak(peak, precision, gflops) {
  const { type, times } = PRODUCTS[precision];
  const all = peak[type]?.all;
  const share = (by) => (gflops[by] * times) / Math.max(all.product[by], all.convolution[by]);
  return all && { wall: share('wall'), cpu: share('cpu') };
}

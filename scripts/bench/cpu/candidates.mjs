// What is compared: ours in each precision, onnxruntime, torch.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure } from './child-process.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const CHILD = path.join(here, 'encode-child.mjs');
const TORCH = path.join(here, '..', 'torch_encoder.py');
const python = process.env.PYTHON ?? '/usr/bin/python3';

const ours = (who, backend, precision) => ({
  who,
  precision,
  isTorch: false,
  run: (common) =>
    measure(process.execPath, [
      '--expose-gc',
      CHILD,
      '--backend',
      backend,
      '--precision',
      precision,
      ...common,
    ]),
});

const torch = (who, precision, flags, env = {}) => ({
  who,
  precision,
  isTorch: true,
  run: (common) => measure(python, [TORCH, ...common, ...flags], env),
});

/** What makes torch fastest on a CPU: its layout, and fewer page faults, as its memory comes page by page from malloc. */
const TUNED = { flags: ['--channels-last'], env: { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' } };

export const OURS = ['fp32', 'bf16x3', 'bf16'].map((precision) =>
  ours(`oneDNN ${precision}`, 'onednn', precision),
);
export const ONNXRUNTIME = ours('onnxruntime fp32', 'onnxruntime', 'fp32');
export const TORCH_FLOAT32 = torch('torch fp32', 'fp32', []);
export const TORCH_TUNED = torch('torch fp32, tuned', 'fp32', TUNED.flags, TUNED.env);
export const TORCH_BFLOAT16 = torch(
  'torch bf16, tuned',
  'bf16',
  ['--dtype', 'bfloat16', ...TUNED.flags],
  TUNED.env,
);
/** What differences are taken from when it was asked for; its time is of no interest. */
export const TORCH_FLOAT64 = torch('torch float64', 'fp64', ['--dtype', 'float64']);

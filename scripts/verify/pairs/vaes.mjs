// A VAE of each kind with seeded weights, much smaller than the real one.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeSeededVae } from '../../../dist/model/seeded-vae.js';

/** `model` is one that has this VAE. */
const VAES = {
  sd: { vae: 'sd', model: 'sdxl', dtype: 'float32' },
  kl16: { vae: 'kl16', model: 'flux', dtype: 'float32' },
  flux2: { vae: 'flux2', model: 'flux2', dtype: 'float32' },
  hunyuan: { vae: 'hunyuan-image', model: 'hunyuan-image', dtype: 'float32' },
  qwen: { vae: 'qwen-image', model: 'qwen-image', dtype: 'float32' },
  'qwen-bf16': { vae: 'qwen-image', model: 'qwen-image', dtype: 'bfloat16' },
};

/** @returns name → { name, model, dtype, file } */
export async function writeVaes(folder) {
  await mkdir(folder, { recursive: true });
  const list = await Promise.all(
    Object.entries(VAES).map(async ([name, { vae, model, dtype }], seed) => {
      const file = path.join(folder, `${name}.safetensors`);
      const widths = vae === 'hunyuan-image' ? [32, 32, 32, 64, 64, 128] : [32, 32, 32, 32];
      const stored = dtype === 'bfloat16' ? 'BF16' : 'F32';
      await writeSeededVae(file, { seed: seed + 1, vae, widths, blocksPerLevel: 1, dtype: stored });
      return [name, { name, model, dtype, file }];
    }),
  );
  return Object.fromEntries(list);
}

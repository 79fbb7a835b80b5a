import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dist } from './dist.mjs';

/** Calls `work` with a full-size SDXL encoder's file, in CompVis names, and its folder, which is removed afterwards. */
export async function withSeededVae(work) {
  const { writeSeededVae } = await dist('model/seeded-vae.js');
  const folder = await mkdtemp(path.join(tmpdir(), 'latent-cache-bench-'));
  try {
    const vae = path.join(folder, 'vae.safetensors');
    await writeSeededVae(vae, { seed: 1, layout: 'ldm' });
    await work(vae, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// The VAE files that graphs are made from, in the layout of CompVis/stable-diffusion.
import { tensorsOf } from '../../../dist/model/layers.js';
import { writeSafetensors } from '../../../dist/model/safetensors/writer.js';
import { writeSeededVae } from '../../../dist/model/seeded-vae.js';

const SEED = 9;

/** SDXL's encoder with seeded weights; full size unless it is told otherwise. */
export function writeVae(file, shape) {
  return writeSeededVae(file, { seed: SEED, layout: 'ldm', ...shape });
}

/**
 * The same VAE with activations beyond half precision: outputs of first convs of 1e5, and a stream that grows beyond.
 * Norms take the scale out again, so that the latents stay in their range.
 */
export async function writeOverflowingVae(file, { layers, tensors }) {
  const scaled = tensorsOf(layers).map(({ name, shape }) => ({
    name,
    dtype: 'F32',
    shape,
    bytes: () => {
      const values = tensors.get(name);
      const factor = factorOf(name);
      return new Uint8Array((factor === 1 ? values.slice() : values.map((value) => value * factor)).buffer);
    },
  }));
  await writeSafetensors(file, scaled, { format: 'pt' });
}

function factorOf(name) {
  if (name.endsWith('.conv1.weight')) return 30000;
  return name.endsWith('.conv2.weight') ? 40000 : 1;
}

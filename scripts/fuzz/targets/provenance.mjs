import { decodeProvenance, encodeProvenance, sameRecipe } from '../../../dist/cache/provenance.js';
import { changeJson } from '../json.mjs';

export const words = [
  'latent-cache',
  'entries',
  'recipe',
  'vae',
  'posterior',
  'seed',
  'dtype',
  'interpolation',
  'encoder',
  'backend',
  'precision',
  'source',
  'bytes',
  'sha256',
  '_8x8',
  '__proto__',
  'null',
  '1e999',
  '-0',
  '"\\ud800"',
];

export function structured(bytes, random) {
  return Buffer.from(changeJson(bytes.toString('utf8'), random, words));
}

export async function run(bytes) {
  const records = decodeProvenance(bytes);
  for (const { recipe } of records.values()) {
    if (!sameRecipe(recipe, recipe)) throw new Error('a recipe differs from itself');
  }
  const written = encodeProvenance(records);
  if (!written.equals(encodeProvenance(decodeProvenance(written)))) {
    throw new Error('records change when they are written and read again');
  }
}

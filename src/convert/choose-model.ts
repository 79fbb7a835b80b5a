/** Which latents can be used for which model without being encoded again. */

import type { ModelGuess } from '../inspect/identify.js';
import { MODELS, type ModelFacts, type ModelId } from '../model/catalog.js';
import { refuseFile } from './refuse.js';

/**
 * Models that are published with the same VAE, so that latents of one are latents of the other. SD and SDXL have VAEs of one
 * shape and other weights; the VAE of SD 3 has FLUX.1's shape and other weights. FLUX.2's models are in no list: that the VAE of
 * one is the other's is shown by its fingerprint.
 */
const SHARED_VAES: readonly (readonly ModelId[])[] = [
  ['flux', 'chroma', 'lumina', 'z-image', 'flux-kontext'],
  ['qwen-image', 'anima', 'krea2'],
];

export interface ChosenModels {
  /** What the latents are of. */
  readonly source: ModelFacts;
  /** What they become caches for. */
  readonly target: ModelFacts;
  /** Only equal fingerprints show that the latents serve: of the VAE that made them, and of the target's. */
  readonly needsFingerprint: boolean;
}

/** @throws LatentCacheError `ERR_CONVERT_MODEL` */
export function chooseModels({ candidates, by }: ModelGuess, wanted: ModelFacts | undefined): ChosenModels {
  const [first, another] = candidates;
  if (first === undefined)
    refuseFile('ERR_CONVERT_MODEL', 'No model has latents of this shape', 'Encode the image again.');
  if (wanted === undefined) {
    if (another === undefined)
      return { source: MODELS[first], target: MODELS[first], needsFingerprint: false };
    refuseFile(
      'ERR_CONVERT_MODEL',
      `Nothing tells whether its latents are of ${candidates.join(' or ')}`,
      'Say with --model what they are for.',
    );
  }
  if (candidates.includes(wanted.id)) return { source: wanted, target: wanted, needsFingerprint: false };
  const shared = candidates.find((id) =>
    SHARED_VAES.some((ids) => ids.includes(id) && ids.includes(wanted.id)),
  );
  if (shared !== undefined) return { source: MODELS[shared], target: wanted, needsFingerprint: false };
  const similar = candidates.find((id) => MODELS[id].vae === wanted.vae && wanted.vae === 'flux2');
  if (similar !== undefined) return { source: MODELS[similar], target: wanted, needsFingerprint: true };
  refuseFile(
    'ERR_CONVERT_MODEL',
    `Its latents are of ${candidates.map((id) => MODELS[id].title).join(' or ')} (${EVIDENCE[by]}): ${wanted.title} has another VAE`,
    `Encode the images again: latent-cache build --model ${wanted.id}.`,
  );
}

const EVIDENCE = {
  record: 'its record says so',
  metadata: 'its metadata say so',
  name: 'its name says so',
  channels: 'by their channels',
} as const;

/** Our own record in a cache, against the arrays beside it and the VAE that is asked for. */
import { isApproximate, isSimulated, type ProvenanceRecord } from '../cache/provenance.js';
import type { CacheStructure } from '../trainers/sd-scripts/npz-structure.js';
import type { Finding } from './results.js';

const DTYPES: Readonly<Record<string, string>> = { float32: '<f4', float16: '<f2' };

/** @param vaeFingerprint of the VAE that is asked for, if one is */
export function checkRecords(cache: CacheStructure, vaeFingerprint: string | undefined): Finding[] {
  return [...cache.provenance].flatMap(([suffix, record]) =>
    checkRecord(suffix, record, cache, vaeFingerprint),
  );
}

function checkRecord(
  suffix: string,
  { recipe, encoder }: ProvenanceRecord,
  cache: CacheStructure,
  vaeFingerprint: string | undefined,
): Finding[] {
  const findings: Finding[] = [];
  const { backend } = encoder;
  if (isSimulated(backend)) {
    findings.push({
      code: 'ERR_SIMULATED',
      message: `it was made by a simulated GPU (${backend}) and holds no usable latents`,
      remedy: 'Encode the image with a real backend.',
      removable: true,
    });
  }
  if (isApproximate(recipe.vae) && recipe.vae !== vaeFingerprint) {
    findings.push({
      code: 'ERR_APPROXIMATE',
      message: 'it was made by a tiny encoder (TAESD), whose latents only resemble those of the VAE',
      remedy: 'Encode the image with the VAE of the model.',
      removable: true,
    });
  }
  const latents = cache.arrays.get(`latents${suffix}`);
  if (latents === undefined) {
    findings.push(contradiction(`its record is about latents${suffix}, which is not there`));
  } else if (DTYPES[recipe.dtype] !== latents.header.descr) {
    findings.push(contradiction(`its record says ${recipe.dtype}, the latents are ${latents.header.descr}`));
  }
  if (vaeFingerprint !== undefined && recipe.vae !== vaeFingerprint) {
    findings.push({
      code: 'ERR_CACHE_OUTDATED',
      message: `it was made with another VAE (${shortName(recipe.vae)}, not ${shortName(vaeFingerprint)})`,
      remedy: 'Run latent-cache build with this VAE: it replaces the file.',
      removable: false,
    });
  }
  return findings;
}

/** The part of a fingerprint that is shown. */
export function shortName(fingerprint: string): string {
  const hash = fingerprint.slice(fingerprint.lastIndexOf(' ') + 1);
  return hash.length > 12 ? `${fingerprint.slice(0, -hash.length)}${hash.slice(0, 12)}…` : fingerprint;
}

function contradiction(message: string): Finding {
  return {
    code: 'ERR_CACHE_CONTENT',
    message,
    remedy: 'Make it again: the file was changed after it was written.',
    removable: true,
  };
}

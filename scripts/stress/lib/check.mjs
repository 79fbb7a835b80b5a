// What must hold of a folder after a run that was disturbed, and after the run that follows.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isAllOurs, readCache } from '../../../dist/cache/read-cache.js';

/** The manifest's folder: its content may differ between runs that give the same caches. */
const OWN_FOLDER = '.latent-cache';
const KEYS = ['latents', 'latents_flipped', 'original_size', 'crop_ltrb', 'alpha_mask'];

export async function cacheNames(folder) {
  return (await readdir(folder)).filter((name) => name.endsWith('.npz')).sort();
}

/**
 * Reads every cache that a trainer would see.
 *
 * @param keys arrays that one of ours has at least
 * @returns what is wrong with them, in words
 */
export async function findBroken(folder, keys = KEYS) {
  const problems = [];
  for (const name of await cacheNames(folder)) {
    try {
      const cache = await readCache(path.join(folder, name));
      const missing = isAllOurs(cache) ? keys.filter((key) => !cache.arrays.has(key)) : [];
      if (missing.length > 0) problems.push(`${name} lacks ${missing.join(', ')}`);
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    }
  }
  return problems;
}

/** Name and bytes of everything beside the manifest's folder. */
export async function readFolder(folder) {
  const names = (await readdir(folder)).filter((name) => name !== OWN_FOLDER).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(path.join(folder, name))])),
  );
}

/** Differences between two folders as `readFolder` gives them, in words. */
export function differences(got, wanted) {
  const names = new Set([...got.keys(), ...wanted.keys()]);
  return [...names].flatMap((name) => {
    if (!got.has(name)) return [`${name} is missing`];
    if (!wanted.has(name)) return [`${name} is left over`];
    return got.get(name).equals(wanted.get(name)) ? [] : [`${name} has other bytes`];
  });
}

/**
 * Images that one run had encoded and the next had to encode again.
 *
 * @param batch images of a batch; its mirrored pixels are a second pass
 */
export function encodedTwice(run, next, images, batch) {
  const encoded = Math.floor(run.passes / (2 * batch)) * batch;
  const kept = images - next.passes / 2;
  return Math.max(0, encoded - kept);
}

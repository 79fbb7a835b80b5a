// What must hold of a folder after a run that was disturbed, and after the run that follows.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { verifyCaches } from '../../../dist/verify/verify-caches.js';

/** The manifest's folder: its content may differ between runs that give the same caches. */
const OWN_FOLDER = '.latent-cache';
/** As dataset.mjs has the caches made. */
const VERIFY = {
  readData: true,
  model: 'sdxl',
  resolution: 64,
  enableBucket: true,
  minBucketReso: 32,
  bucketResoSteps: 32,
  flipAug: true,
  alphaMask: true,
};

export async function cacheNames(folder) {
  return (await readdir(folder)).filter((name) => name.endsWith('.npz')).sort();
}

/**
 * `latent-cache verify --read-data` with the settings of the data set.
 *
 * @param inTheWay names of files that were there before; given for a folder that a run did not get through, whose
 * temporary files the next run removes
 * @returns what is wrong with the caches that a trainer would see, in words
 */
export async function verify(folder, inTheWay) {
  const problems = [];
  for await (const { type, path: file, code, message } of verifyCaches({ ...VERIFY, inputs: [folder] })) {
    const name = path.basename(file ?? '');
    const isExpected = inTheWay !== undefined && (code === 'ERR_CACHE_LEFTOVER' || inTheWay.includes(name));
    if (type === 'problem' && !isExpected) problems.push(`${name}: ${code} ${message}`);
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

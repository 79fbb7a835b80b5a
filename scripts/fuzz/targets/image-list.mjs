import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Findings } from '../../../dist/dataset/config/findings.js';
import { readMusubiList } from '../../../dist/dataset/config/musubi-list.js';
import { readMetadataSource } from '../../../dist/dataset/config/read-dataset-config.js';
import { LatentCacheError } from '../../../dist/errors.js';
import { changeJson } from '../json.mjs';

export const words = [
  'image_size',
  'train_resolution',
  'caption',
  'image_path',
  'image_path_0',
  'image_path_1',
  'control_path',
  'control_path_00',
  'control_path_7',
  '/a/b.png',
  '../c.png',
  'd/',
  '.',
  '[640, 480]',
  '{"a.png": {}}',
  '\\u0000',
  '\\ud800',
  '__proto__',
  '}\n{',
];

/** Each line as JSON where lines are what the format is made of, else the whole. */
export function structured(bytes, random) {
  const text = bytes.toString('utf8');
  const lines = text.split('\n');
  if (lines.length < 2) return Buffer.from(changeJson(text, random, words));
  const at = random.below(lines.length);
  lines[at] = changeJson(lines[at], random, words);
  return Buffer.from(lines.join('\n'));
}

/** One input as each of the three lists. */
export async function run(bytes, file) {
  for (const name of [`${file}.json`, `${file}.jsonl`]) writeFileSync(name, bytes);
  const metadata = await unlessRefused(readMetadataSource(`${file}.json`, 'photos'));
  if (metadata !== undefined) compare(metadata.sources, JSON.parse(bytes.toString('utf8')));
  const lines = await unlessRefused(readMetadataSource(`${file}.jsonl`, 'photos'));
  if (lines?.sources.some(({ images }) => images.length === 0)) throw new Error('a folder without images');
  await unlessRefused(readMusubiList(`${file}.jsonl`, true, new Findings(file)));
}

/** The list is read piece by piece; JSON.parse reads it at once. */
function compare(sources, parsed) {
  const key = (image) => path.join(path.isAbsolute(image) ? '/' : 'photos', image);
  const keys = Object.keys(parsed);
  const expected = new Map(keys.map((image) => [key(image), parsed[image].image_size]));
  const found = sources.flatMap(({ imageDir, images }) =>
    images.map(({ name, size }) => [path.join(imageDir, name), size]),
  );
  if (found.length !== expected.size) throw new Error(`${found.length} images of ${expected.size}`);
  for (const [image, size] of found) {
    if (!expected.has(image)) throw new Error('an image that is not in the list');
    // of several ways to write one image JSON.parse does not keep the order
    if (keys.length === expected.size && expected.get(image)?.[0] !== size?.width) {
      throw new Error('a size that is not in the list');
    }
  }
}

async function unlessRefused(reading) {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof LatentCacheError) return undefined;
    throw error;
  }
}

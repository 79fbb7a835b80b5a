import { writeFileSync } from 'node:fs';
import { readDatasetConfig } from '../../../dist/dataset/config/read-dataset-config.js';
import { changeJson } from '../json.mjs';

export const words = [
  '[general]\n',
  '[[datasets]]\n',
  '[[datasets.subsets]]\n',
  'image_dir = "a"\n',
  'metadata_file = "a.json"\n',
  'conditioning_data_dir = "a"\n',
  'resolution = [512, 768]\n',
  'resolution = 1024\n',
  'enable_bucket = true\n',
  'flip_aug = true\n',
  'alpha_mask = true\n',
  'num_repeats = 0\n',
  'validation_split = 0.5\n',
  'resize_interpolation = "area"\n',
  'face_crop_aug_range = [1.0, 2.0]\n',
  'custom_attributes = { a = 1 }\n',
  'image_directory = "a"\n',
  'image_jsonl_file = "a.jsonl"\n',
  'cache_directory = "b"\n',
  'control_resolution = 512\n',
  '__proto__ = 1\n',
  '0x7fffffffffffffff',
  '1979-05-27T07:32:00Z',
  '"""',
  "'''",
  'inf',
  '\\u0000',
  '\ufeff',
];

/** Lines in another order, twice, or left out; JSON as JSON. */
export function structured(bytes, random) {
  const text = bytes.toString('utf8');
  if (text.trimStart().startsWith('{')) {
    const names = words.map((word) => word.split(' ')[0].trim());
    return Buffer.from(changeJson(text, random, names));
  }
  const lines = text.split('\n');
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(lines.length);
    const [line] = lines.splice(at, random.below(2));
    const added = random.pick([line ?? '', lines[at] ?? '', random.pick(words).trimEnd()]);
    if (random.chance(0.8)) lines.splice(random.below(lines.length + 1), 0, added);
  }
  return Buffer.from(lines.join('\n'));
}

export async function run(bytes, file) {
  const isJson = bytes.toString('latin1').trimStart().startsWith('{');
  const config = `${file}.${isJson ? 'json' : 'toml'}`;
  writeFileSync(config, bytes);
  const { sources, unknown, ignored } = await readDatasetConfig(config);
  if (sources.length === 0) throw new Error('no sources');
  for (const { place, imageDir, settings } of sources) {
    if (!/^datasets\[\d+](\.subsets\[\d+])?$/.test(place)) throw new Error(`a place of ${place}`);
    if (typeof imageDir !== 'string' || imageDir === '' || imageDir.includes('\0')) {
      throw new Error('a folder that is no path');
    }
    for (const [name, value] of Object.entries(settings)) checkSetting(name, value);
  }
  for (const { key, place } of [...unknown, ...ignored]) {
    if (place.length > 200 || key.length > 200) throw new Error('a place that fills the screen');
  }
}

function checkSetting(name, value) {
  const right =
    name === 'resolution'
      ? typeof value.width === 'number' && typeof value.height === 'number'
      : name.endsWith('Reso') || name.endsWith('Steps')
        ? typeof value === 'number'
        : name === 'resizeInterpolation'
          ? typeof value === 'string'
          : typeof value === 'boolean';
  if (!right) throw new Error(`${name} is ${value}`);
}

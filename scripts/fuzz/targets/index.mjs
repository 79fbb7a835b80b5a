// Each target: `run(bytes, file)` parses an input that also lies in `file`; `structured` changes it within its format;
// `words` is the format's vocabulary.
export const TARGETS = [
  'safetensors',
  'tensor-file',
  'npz',
  'npy',
  'provenance',
  'sealed',
  'lock',
  'manifest',
  'image',
  'bmp',
  'dataset-config',
  'image-list',
];

export async function loadTarget(name) {
  if (!TARGETS.includes(name)) throw new Error(`no target ${name}; there are ${TARGETS.join(', ')}`);
  return import(new URL(`${name}.mjs`, import.meta.url).href);
}

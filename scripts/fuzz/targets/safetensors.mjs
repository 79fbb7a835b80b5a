import { openSafetensors } from '../../../dist/model/safetensors/reader.js';
import { changeJson } from '../json.mjs';

export const words = [
  '__metadata__',
  'dtype',
  'shape',
  'data_offsets',
  'F32',
  'F16',
  'BF16',
  'F8_E4M3',
  'F8_E5M2',
  'F4',
  'F64',
  'BOOL',
  'C64',
  '{"a":',
  '"\\u0061":',
  '[0,0]',
  '\ufeff',
  'PK\u0003\u0004',
  '\u0080\u0002',
  'GGUF',
  '<!DOCTYPE',
  'version https://git-lfs',
];

/** The length, the header and the data apart. */
export function structured(bytes, random) {
  if (bytes.length < 8) return bytes;
  const length = Math.min(Number(bytes.readBigUInt64LE(0)), bytes.length - 8);
  const json = Buffer.from(changeJson(bytes.toString('utf8', 8, 8 + length), random, words));
  const data = bytes.subarray(8 + length);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json, data]);
}

export async function run(_bytes, file) {
  const model = await openSafetensors(file);
  try {
    await readAll(model);
  } finally {
    await model.close();
  }
}

async function readAll(model) {
  let position = 0;
  for (const [name, { begin, end }] of model.tensors) {
    if (begin !== position)
      throw new Error(`tensor ${JSON.stringify(name)} does not begin where the last one ended`);
    position = end;
  }
  let failure;
  for (const name of [...model.tensors.keys()].slice(0, 8)) {
    // one that cannot be widened must not hide the others
    await model.readFloat32(name).catch((error) => {
      failure = error;
    });
  }
  if (failure !== undefined) throw failure;
}

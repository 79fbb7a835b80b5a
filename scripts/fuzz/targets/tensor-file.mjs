import { isDeepStrictEqual } from 'node:util';
import {
  encodeTensorFile,
  isTensorFileOurs,
  readTensorFile,
  readTensorStructure,
} from '../../../dist/cache/tensor-file.js';
import { LatentCacheError } from '../../../dist/errors.js';
import { parseCacheName, tensorKeySuffix } from '../../../dist/trainers/safetensors/files.js';
import { changeJson } from '../json.mjs';
import * as provenance from './provenance.mjs';
import * as safetensors from './safetensors.mjs';

export const words = [
  'latent_cache',
  'latent_cache_crc32',
  '00000000',
  'latents_8x8',
  'latents_1x8x8_float32',
  'latent',
  'format_version',
  ...safetensors.words,
  ...provenance.words,
];

/** The header, or what stands in our entry of it. */
export function structured(bytes, random, context) {
  if (bytes.length < 8 || random.chance(0.5)) return safetensors.structured(bytes, random, context);
  const length = Math.min(Number(bytes.readBigUInt64LE(0)), bytes.length - 8);
  let header;
  try {
    header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
    const metadata = header.__metadata__;
    metadata.latent_cache = changeJson(metadata.latent_cache ?? '{}', random, words);
    if (random.chance(0.3)) delete metadata.latent_cache_crc32;
  } catch {
    return safetensors.structured(bytes, random, context);
  }
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json, bytes.subarray(8 + length)]);
}

/** Both readers: what the thorough one accepts, the quick one accepts as the same; what is written again is the same. */
export async function run(_bytes, file) {
  const [whole, quick] = await Promise.allSettled([readTensorFile(file), readTensorStructure(file)]);
  for (const { reason } of [whole, quick]) {
    if (reason !== undefined && !(reason instanceof LatentCacheError)) throw reason;
  }
  if (whole.status === 'rejected') throw whole.reason;
  if (quick.status === 'rejected')
    throw new Error(`only readTensorStructure refuses it: ${quick.reason.message}`);
  const { tensors, metadata, provenance: records, data } = whole.value;
  isTensorFileOurs(whole.value, tensorKeySuffix);
  for (const part of ['tensors', 'metadata', 'provenance', 'bytes']) {
    if (!isDeepStrictEqual(whole.value[part], quick.value[part]))
      throw new Error(`the readers differ in ${part}`);
  }
  const again = [...tensors].map(([name, { dtype, shape }]) => ({
    name,
    dtype,
    shape,
    data: data.get(name),
  }));
  for (const { name, data: bytes } of again) {
    parseCacheName(name);
    const { begin, end } = tensors.get(name);
    if (bytes.length !== end - begin) throw new Error(`${JSON.stringify(name)} has another length`);
  }
  const write = (list) => Buffer.concat(encodeTensorFile(list, Object.fromEntries(metadata), records));
  if (!write(again).equals(write(again.reverse()))) throw new Error('it is written in two ways');
}

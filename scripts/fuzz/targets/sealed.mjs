import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { fromHeader } from '../../../dist/encoder/tensorrt/engine-record.js';
import { ScaleFile } from '../../../dist/encoder/tensorrt/scale-file.js';
import { readSealedFile } from '../../../dist/encoder/tensorrt/sealed-file.js';
import { TimingCache } from '../../../dist/encoder/tensorrt/timing-cache.js';
import { changeJson } from '../json.mjs';

export const words = [
  'LCSEALED',
  'kind',
  'engine',
  'scales',
  'timing',
  'key',
  'identity',
  'fingerprint',
  'exponents',
  'payload',
  'bytes',
  'sha256',
  'minimum',
  'optimum',
  'maximum',
  'count',
  'height',
  'width',
  'weightBytes',
  'memory',
  'shape',
  'activationBytes',
  'buildSeconds',
];

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** A changed header under a right sum: without it every change would end at the first check. */
export function structured(bytes, random) {
  if (bytes.length < 48) return bytes;
  const length = Math.min(bytes.readUInt32LE(12), bytes.length - 48);
  const payload = bytes.subarray(Math.ceil((48 + length) / 4096) * 4096);
  let text = changeJson(bytes.toString('utf8', 48, 48 + length), random, words);
  if (random.chance(0.7)) text = withPayload(text, payload);
  return seal(Buffer.from(text), payload);
}

function withPayload(text, payload) {
  try {
    const header = JSON.parse(text);
    header.payload = { bytes: payload.length, sha256: sha256(payload).toString('hex') };
    return JSON.stringify(header);
  } catch {
    return text;
  }
}

export function seal(json, payload) {
  const head = Buffer.alloc(Math.ceil((48 + json.length) / 4096) * 4096);
  head.write('LCSEALED');
  head.writeUInt32LE(1, 8);
  head.writeUInt32LE(json.length, 12);
  sha256(json).copy(head, 16);
  json.copy(head, 48);
  return Buffer.concat([head, payload]);
}

const noWriter = { writeFileAtomic: async () => {} };
const hexName = (text) => sha256(Buffer.from(text)).toString('hex').slice(0, 32);
let folder;

/** Engine, scales and timing cache read the same file under the names that they look for. */
export async function run(_bytes, file) {
  folder ??= mkdtempSync(path.join(path.dirname(file), 'sealed-'));
  const sealed = await readSealedFile(file);
  if (sealed !== undefined) fromHeader(sealed.header, 'KEY');
  copyFileSync(file, path.join(folder, `${hexName('FINGERPRINT')}.scales`));
  const rescaling = await new ScaleFile(folder, 'FINGERPRINT', noWriter).read();
  if (rescaling?.exponents.some((exponent) => !Number.isInteger(exponent)))
    throw new Error('an exponent is no integer');
  copyFileSync(file, path.join(folder, `${hexName('ATTRIBUTES\nRUNTIME')}.timing`));
  await new TimingCache(folder, 'ATTRIBUTES', 'RUNTIME', noWriter).read();
}

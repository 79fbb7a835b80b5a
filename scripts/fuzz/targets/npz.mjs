import { isDeepStrictEqual } from 'node:util';
import { readNpyNumbers } from '../../../dist/cache/npy.js';
import { LatentCacheError } from '../../../dist/errors.js';
import { memberKeySuffix } from '../../../dist/trainers/sd-scripts/files.js';
import { isAllOurs, readCacheStructure } from '../../../dist/trainers/sd-scripts/npz-structure.js';
import { readCache } from '../../../dist/trainers/sd-scripts/read-npz.js';
import { boundary } from '../bytes.mjs';
import { buildZip, splitZip } from '../zip-parts.mjs';
import * as npy from './npy.mjs';
import * as provenance from './provenance.mjs';

export const words = [
  'PK\x01\x02',
  'PK\x03\x04',
  'PK\x05\x06',
  'PK\x06\x06',
  'PK\x06\x07',
  '\x01\x00\x18\x00',
  '\xff\xff\xff\xff',
  '\xff\xff',
  'latents.npy',
  'latents_flipped_8x8.npy',
  'original_size.npy',
  'crop_ltrb.npy',
  'alpha_mask.npy',
  '../',
  '\x00\x08',
  ...npy.words,
];

const FIELDS = ['crc', 'bytes', 'packedBytes', 'localOffset', 'flags', 'version', 'method', 'extra'];

/** Takes the archive apart, changes members or what the directory says of them, and puts it together with right sums. */
export function structured(bytes, random, context) {
  const archive = splitZip(bytes);
  if (archive === undefined) return bytes;
  const { members } = archive;
  for (let left = 1 + random.below(3); left > 0; left--) {
    const member = random.pick(members);
    switch (random.below(7)) {
      case 0:
        if (members.length > 1) members.splice(members.indexOf(member), 1);
        break;
      case 1:
        members.push({
          ...member,
          name: random.chance(0.8) ? `${member.name.slice(0, -4)}${random.below(99)}.npy` : member.name,
        });
        break;
      case 2:
        member.data = npy.structured(member.data, random, context);
        break;
      case 3:
        member.method = random.pick([0, 8, 8, 9, 12]);
        break;
      case 4:
        archive.comment = provenance.structured(archive.comment, random, context);
        break;
      case 5:
        member.lies = {
          ...member.lies,
          [random.pick(FIELDS)]: random.chance(0.5) ? boundary(random) : BigInt(random.below(bytes.length)),
        };
        break;
      default:
        archive.zip64 = random.chance(0.5);
        member.zip64 = random.chance(0.5);
    }
  }
  return buildZip(archive);
}

/** Both readers: what the thorough one accepts, the quick one accepts as the same. */
export async function run(_bytes, file) {
  const [whole, quick] = await Promise.allSettled([readCache(file), readCacheStructure(file)]);
  for (const { reason } of [whole, quick]) {
    if (reason !== undefined && !(reason instanceof LatentCacheError)) throw reason;
  }
  if (whole.status === 'rejected') throw whole.reason;
  if (quick.status === 'rejected')
    throw new Error(`only readCacheStructure refuses it: ${quick.reason.message}`);
  isAllOurs(whole.value);
  const { arrays, provenance } = quick.value;
  if (!isDeepStrictEqual(provenance, whole.value.provenance))
    throw new Error('the readers differ in provenance');
  for (const [key, { header, npy: array, member }] of whole.value.arrays) {
    memberKeySuffix(member.name);
    if (header.dataOffset + header.dataBytes !== array.length)
      throw new Error(`${member.name} has another length`);
    if (!isDeepStrictEqual(arrays.get(key)?.header, header))
      throw new Error(`the readers differ in ${member.name}`);
    if (array.length < 1 << 16) readNpyNumbers(array);
  }
}

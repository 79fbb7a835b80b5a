import { readNpyNumbers } from '../../../dist/cache/npy.js';
import { boundaryText } from '../bytes.mjs';

export const words = [
  "'descr': ",
  "'fortran_order': ",
  "'shape': ",
  'True',
  'False',
  "'<f4'",
  "'>f8'",
  "'<f2'",
  "'|u1'",
  "'|b1'",
  "'|O'",
  "'<i8'",
  "'<c8'",
  "'=f4'",
  '(',
  ')',
  ',',
  'L',
  '{',
  '}',
  '()',
  '(0,)',
  '\x93NUMPY\x01\x00',
  '\x93NUMPY\x02\x00',
];

const DESCRS = [
  '<f2',
  '>f2',
  '<f4',
  '>f4',
  '<f8',
  '<i8',
  '>u8',
  '<i4',
  '<u4',
  '<i2',
  '>u2',
  '|i1',
  '|u1',
  '|b1',
  '|O',
  '<U4',
  '<f16',
  '<f99',
  '=f4',
  '|f0',
];

/** A whole file from parts that are each almost right. */
export function structured(bytes, random) {
  const sides = Array.from({ length: random.pick([0, 1, 1, 2, 3, 4, 33]) }, () =>
    random.chance(0.1) ? boundaryText(random) : String(random.below(5)),
  );
  const descr = random.pick(DESCRS);
  const order = random.chance(0.5) ? 'True' : 'False';
  const tuple = sides.length === 1 ? `(${sides[0]},)` : `(${sides.join(', ')})`;
  const dict = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${tuple}, }`;
  const version = random.pick([1, 1, 2, 3, 4]);
  const fixed = version === 1 ? 10 : 12;
  const header = Buffer.from(dict.padEnd(random.chance(0.8) ? 118 : 40));
  const prefix = Buffer.alloc(fixed);
  prefix.write('\x93NUMPY', 'latin1');
  prefix[6] = version;
  if (version === 1) prefix.writeUInt16LE(header.length, 8);
  else prefix.writeUInt32LE(header.length, 8);
  const wanted = sides.reduce((product, side) => product * Number(side), Number(descr.slice(2)) || 0);
  const data = Buffer.alloc(
    wanted >= 0 && wanted <= 4096 && Number.isInteger(wanted) ? wanted : random.below(64),
    random.below(256),
  );
  bytes.copy(data, 0, Math.min(bytes.length, 128));
  return Buffer.concat([prefix, header, data]);
}

export async function run(bytes) {
  const { header, values } = readNpyNumbers(bytes);
  const elements = header.shape.reduce((product, side) => product * side, 1);
  if (values.length !== elements) throw new Error(`${values.length} values of ${elements}`);
}

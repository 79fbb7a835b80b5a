/**
 * The npy format (numpy's `numpy.lib.format`), versions 1.0 to 3.0: magic, version, header length, a Python dict
 * literal, raw data. Numbers only: object arrays hold pickles and are refused.
 */
import { LatentCacheError } from '../errors.js';
import { float16ToNumber } from '../float16.js';

/** numpy's type strings for what latent caches hold. */
export type NpyDtype = '<f2' | '<f4' | '<f8' | '<i4' | '<i8';

export interface NpyHeader {
  /** numpy's `descr`, e.g. `<f4`; anything numeric, also big-endian, as other writers may choose it. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the data starts, in bytes. */
  readonly dataOffset: number;
  /** Size of the data in bytes. */
  readonly dataBytes: number;
}

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59); // \x93NUMPY
const ALIGNMENT = 64;
/** Longest header dict that is looked at; numpy itself stops at 10,000 characters. */
const MAX_HEADER_BYTES = 10_000;

/** The bytes in front of the data of a C-ordered array, padded to 64 bytes as numpy pads. */
export function npyPrefix(descr: NpyDtype, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const fixed = MAGIC.length + 4;
  const total = Math.ceil((fixed + dict.length + 1) / ALIGNMENT) * ALIGNMENT;
  const prefix = Buffer.alloc(total, ' ');
  prefix.set(MAGIC);
  prefix[6] = 1;
  prefix[7] = 0;
  prefix.writeUInt16LE(total - fixed, 8);
  prefix.write(dict, fixed, 'latin1');
  prefix[total - 1] = 0x0a;
  return prefix;
}

/** Memory for a whole npy file with its header filled in, and a view of its data. */
export function allocateNpy(descr: NpyDtype, shape: readonly number[]): { file: Uint8Array; data: DataView } {
  const prefix = npyPrefix(descr, shape);
  const dataBytes = shape.reduce((product, side) => product * side, Number(descr.slice(2)));
  const file = new Uint8Array(prefix.length + dataBytes);
  file.set(prefix);
  return { file, data: new DataView(file.buffer, prefix.length) };
}

/** A whole npy file. The data are copied; their bytes are little-endian on every platform that Node runs on. */
export function encodeNpy(
  descr: NpyDtype,
  shape: readonly number[],
  values: Float32Array | Float64Array | BigInt64Array | Uint16Array,
): Uint8Array {
  const { file, data } = allocateNpy(descr, shape);
  if (values.byteLength !== data.byteLength) {
    throw new LatentCacheError(
      'ERR_ARGUMENT',
      `(${shape.join(', ')}) of ${descr} are not ${values.length} values`,
    );
  }
  file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), data.byteOffset);
  return file;
}

/**
 * Reads the header of an npy file.
 *
 * @param bytes the file, or at least its header
 * @param total size of the whole file in bytes; checked against the shape
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export function readNpyHeader(bytes: Uint8Array, total: number = bytes.length): NpyHeader {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < 10 || !view.subarray(0, 6).equals(MAGIC))
    throw corrupt('it does not start with the npy magic');
  const major = view[6]!;
  if (major < 1 || major > 3) throw corrupt(`npy version ${major} is unknown`);
  const fixed = major === 1 ? 10 : 12;
  if (view.length < fixed) throw corrupt('the npy header is cut off');
  const length = major === 1 ? view.readUInt16LE(8) : view.readUInt32LE(8);
  if (length > MAX_HEADER_BYTES) throw corrupt(`the npy header of ${length} bytes is too long`);
  const dataOffset = fixed + length;
  if (view.length < dataOffset) throw corrupt('the npy header is cut off');

  const { descr, fortranOrder, shape } = parseDict(
    view.toString(major === 3 ? 'utf8' : 'latin1', fixed, dataOffset),
  );
  const itemBytes = Number(/^[<>|=][fiub](\d{1,2})$/.exec(descr)?.[1] ?? 0);
  if (itemBytes === 0) throw corrupt(`the element type '${descr}' is no plain number`);
  const dataBytes = shape.reduce((product, side) => product * side, itemBytes);
  if (!Number.isSafeInteger(dataBytes)) throw corrupt(`the shape (${shape.join(', ')}) is too large`);
  if (dataOffset + dataBytes !== total) {
    throw corrupt(
      `shape (${shape.join(', ')}) of ${descr} needs ${dataBytes} bytes, ${total - dataOffset} are there`,
    );
  }
  return { descr, fortranOrder, shape, dataOffset, dataBytes };
}

/** The header is a Python dict literal with exactly three keys; numpy writes them in this order, others may not. */
function parseDict(text: string): { descr: string; fortranOrder: boolean; shape: number[] } {
  const body = /^\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) throw corrupt('the npy header is no dict');
  const descr = /'descr'\s*:\s*'([^']{1,16})'/.exec(body)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(body)?.[1];
  const tuple = /'shape'\s*:\s*\(([\d\sL,]*)\)/.exec(body)?.[1];
  if (descr === undefined || order === undefined || tuple === undefined) {
    throw corrupt("the npy header lacks 'descr', 'fortran_order' or 'shape', or holds a structured type");
  }
  const shape = tuple
    .split(',')
    .map((side) => side.trim().replace(/L$/, ''))
    .filter((side) => side !== '')
    .map(toSide);
  if (shape.length > 32 || shape.some((side) => !Number.isSafeInteger(side)))
    throw corrupt(`bad shape (${tuple})`);
  return { descr, fortranOrder: order === 'True', shape };
}

/** As Python writes a number: it takes no zero in front. NaN for anything else. */
function toSide(text: string): number {
  return /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
}

/**
 * The numbers of an npy file of any numeric type, as doubles. Meant for small arrays and for checks.
 *
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export function readNpyNumbers(bytes: Uint8Array): {
  readonly header: NpyHeader;
  readonly values: Float64Array;
} {
  const { header, count, at } = openNpy(bytes);
  const values = new Float64Array(count);
  for (let index = 0; index < count; index++) values[index] = at(index);
  return { header, values: header.fortranOrder ? toCOrder(values, header.shape) : values };
}

/**
 * The numbers of an npy file of any numeric type, one at a time and in the order of their bytes: no copy is made.
 *
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export function openNpy(bytes: Uint8Array): {
  readonly header: NpyHeader;
  readonly count: number;
  at(index: number): number;
} {
  const header = readNpyHeader(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset + header.dataOffset, header.dataBytes);
  const read = numberReader(header.descr, view);
  const itemBytes = Number(header.descr.slice(2));
  return { header, count: header.dataBytes / itemBytes, at: (index) => read(index * itemBytes) };
}

function numberReader(descr: string, view: DataView): (offset: number) => number {
  const little = descr[0] !== '>';
  switch (descr.slice(1)) {
    case 'f2':
      return (offset) => float16ToNumber(view.getUint16(offset, little));
    case 'f4':
      return (offset) => view.getFloat32(offset, little);
    case 'f8':
      return (offset) => view.getFloat64(offset, little);
    case 'i8':
      return (offset) => Number(view.getBigInt64(offset, little));
    case 'u8':
      return (offset) => Number(view.getBigUint64(offset, little));
    case 'i4':
      return (offset) => view.getInt32(offset, little);
    case 'u4':
      return (offset) => view.getUint32(offset, little);
    case 'i2':
      return (offset) => view.getInt16(offset, little);
    case 'u2':
      return (offset) => view.getUint16(offset, little);
    case 'i1':
      return (offset) => view.getInt8(offset);
    case 'u1':
      return (offset) => view.getUint8(offset);
    case 'b1':
      return (offset) => (view.getUint8(offset) === 0 ? 0 : 1);
    default:
      throw corrupt(`the element type '${descr}' is not supported`);
  }
}

function toCOrder(values: Float64Array, shape: readonly number[]): Float64Array {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, side) => product * side, 1));
  const ordered = new Float64Array(values.length);
  for (let index = 0; index < ordered.length; index++) {
    let rest = index;
    let source = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    ordered[index] = values[source]!;
  }
  return ordered;
}

function corrupt(reason: string): LatentCacheError {
  return new LatentCacheError('ERR_CACHE_CORRUPT', `Not a readable npy array: ${reason}`);
}

/** One array of a cache, whatever container it is in. */
import { openNpy, readNpyNumbers } from '../cache/npy.js';
import { LatentCacheError } from '../errors.js';
import { float16ToNumber } from '../float16.js';
import type { Dtype } from '../model/safetensors/dtypes.js';

export interface StoredArray {
  readonly name: string;
  /** As people say it: `float32`, `bfloat16`, `uint8`; with `big-endian` in front where it is. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly count: number;
  /** A number by the place of its bytes: of Fortran order no place in the shape. */
  at(index: number): number;
  /** All of them, rounded to float32, in row-major order. */
  toFloat32(): Float32Array;
}

const NPY_KINDS: Readonly<Record<string, string>> = { f: 'float', i: 'int', u: 'uint', b: 'bool' };

/**
 * @param npy a whole npy file
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export function arrayOfNpy(name: string, npy: Uint8Array): StoredArray {
  const { header, count, at } = openNpy(npy);
  const { descr, shape } = header;
  const bits = descr[1] === 'b' ? '' : String(8 * Number(descr.slice(2)));
  const order = descr[0] === '>' ? 'big-endian ' : '';
  return {
    name,
    dtype: `${order}${NPY_KINDS[descr[1]!]}${bits}`,
    shape,
    count,
    at,
    toFloat32: () => new Float32Array(readNpyNumbers(npy).values),
  };
}

const TENSOR_TYPES: Partial<Record<Dtype, string>> = {
  F16: 'float16',
  BF16: 'bfloat16',
  F32: 'float32',
  F64: 'float64',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};

/** @param bytes little-endian, at any offset */
export function arrayOfTensor(
  name: string,
  dtype: Dtype,
  shape: readonly number[],
  bytes: Uint8Array,
): StoredArray {
  const count = shape.reduce((product, side) => product * side, 1);
  const at = tensorReader(name, dtype, bytes);
  return {
    name,
    dtype: TENSOR_TYPES[dtype] ?? dtype,
    shape,
    count,
    at,
    toFloat32: () => {
      const values = new Float32Array(count);
      for (let index = 0; index < count; index++) values[index] = at(index);
      return values;
    },
  };
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

function bfloat16ToNumber(bits: number): number {
  scratchBits[0] = bits << 16;
  return scratch[0]!;
}

function tensorReader(name: string, dtype: Dtype, bytes: Uint8Array): (index: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case 'F32':
      return (index) => view.getFloat32(4 * index, true);
    case 'F16':
      return (index) => float16ToNumber(view.getUint16(2 * index, true));
    case 'BF16':
      return (index) => bfloat16ToNumber(view.getUint16(2 * index, true));
    case 'F64':
      return (index) => view.getFloat64(8 * index, true);
    case 'I64':
      return (index) => Number(view.getBigInt64(8 * index, true));
    case 'I32':
      return (index) => view.getInt32(4 * index, true);
    case 'I16':
      return (index) => view.getInt16(2 * index, true);
    case 'I8':
      return (index) => view.getInt8(index);
    case 'U8':
    case 'BOOL':
      return (index) => view.getUint8(index);
    default:
      return () => {
        throw new LatentCacheError('ERR_CACHE_CORRUPT', `${name} is ${dtype}, which no latent cache holds`);
      };
  }
}

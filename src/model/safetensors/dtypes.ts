/**
 * The dtypes of the safetensors format (huggingface/safetensors, `tensor.rs`, enum `Dtype`) and the exact widening
 * of the float ones to float32.
 */

import { float16ToNumber } from '../../float16.js';

/** Bits of one element. The sub-byte types pack several elements into a byte. */
const BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type Dtype = keyof typeof BITS;

/** The dtypes that `widen` turns into float32 without any loss. */
export const WIDENABLE_DTYPES = ['F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'] as const;
export type WidenableDtype = (typeof WIDENABLE_DTYPES)[number];

export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(BITS, name);
}

export function isWidenable(dtype: Dtype): dtype is WidenableDtype {
  return (WIDENABLE_DTYPES as readonly string[]).includes(dtype);
}

/** Bits of one element of `dtype`. */
export function bitsOf(dtype: Dtype): number {
  return BITS[dtype];
}

/**
 * Little-endian bytes of `dtype` → float32, exact (every value of the narrower types is a float32).
 *
 * @param bytes whole elements; a multiple of four bytes at a four-byte offset for F32, which is not copied.
 */
export function widen(dtype: WidenableDtype, bytes: Uint8Array): Float32Array {
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    case 'BF16':
      return widenBfloat16(halves(bytes));
    case 'F16':
      return lookUp(halves(bytes), tableOf(dtype, 1 << 16, float16ToNumber));
    case 'F8_E5M2':
      // an IEEE half without its lower mantissa byte
      return lookUp(
        bytes,
        tableOf(dtype, 1 << 8, (code) => float16ToNumber(code << 8)),
      );
    case 'F8_E4M3':
      return lookUp(bytes, tableOf(dtype, 1 << 8, float8E4m3Value));
  }
}

/** float32 → bfloat16 bits, rounded to nearest, ties to even; finite input. */
export function bfloat16Bits(floatBits: number): number {
  return ((floatBits + 0x7fff + ((floatBits >>> 16) & 1)) >>> 16) & 0xffff;
}

function halves(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

function widenBfloat16(source: Uint16Array): Float32Array {
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16;
  return new Float32Array(bits.buffer);
}

function lookUp(codes: Uint8Array | Uint16Array, table: Float32Array): Float32Array {
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = table[codes[i]!]!;
  return values;
}

const tables = new Map<WidenableDtype, Float32Array>();

/** The values of all codes, made once for each dtype. */
function tableOf(dtype: WidenableDtype, codes: number, toValue: (code: number) => number): Float32Array {
  let table = tables.get(dtype);
  if (table === undefined) {
    table = Float32Array.from({ length: codes }, (_, code) => toValue(code));
    tables.set(dtype, table);
  }
  return table;
}

/** OCP 8-bit E4M3: bias 7, no infinities, only the all-ones code is NaN. */
function float8E4m3Value(code: number): number {
  const sign = code & 0x80 ? -1 : 1;
  const exponent = (code >> 3) & 0xf;
  const mantissa = code & 0x7;
  if (exponent === 0xf && mantissa === 0x7) return Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -9;
  return sign * (8 + mantissa) * 2 ** (exponent - 10);
}

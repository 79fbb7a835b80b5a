/** IEEE 754 binary16, which JavaScript has no array for before Node 24. */

/** IEEE 754 binary16 → number. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const floatScratch = new Float32Array(1);
const bitScratch = new Uint32Array(floatScratch.buffer);

/** float32 → IEEE 754 binary16 bits, round to nearest even; beyond 65504 becomes infinity. */
export function float32ToFloat16(value: number): number {
  floatScratch[0] = value;
  const bits = bitScratch[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and more
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal
  if (magnitude < 0x38800000) {
    // Subnormal result: shift the significand, implicit bit included, and round by what falls out.
    const shift = 126 - (magnitude >>> 23);
    const significand = (magnitude & 0x7fffff) | 0x800000;
    const kept = significand >>> shift;
    const lost = significand & ((1 << shift) - 1);
    const half = 1 << (shift - 1);
    return sign | (kept + (lost > half || (lost === half && (kept & 1) === 1) ? 1 : 0));
  }
  const rebased = magnitude - 0x38000000; // exponent bias 127 → 15
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

/** float32 values → binary16 bits. */
export function toFloat16Array(values: Float32Array): Uint16Array {
  const bits = new Uint16Array(values.length);
  // A plain loop: TypedArray.from with a function takes a hundred times as long.
  for (let index = 0; index < values.length; index++) bits[index] = float32ToFloat16(values[index]!);
  return bits;
}

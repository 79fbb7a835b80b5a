// Changes of bytes that know nothing of a format, besides the words of its dictionary.

const BOUNDARIES = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  15n,
  16n,
  31n,
  32n,
  63n,
  64n,
  127n,
  128n,
  255n,
  256n,
  511n,
  512n,
  4095n,
  4096n,
  32767n,
  32768n,
  65535n,
  65536n,
  0x00ffffffn,
  0x7ffffffen,
  0x7fffffffn,
  0x80000000n,
  0xfffffffen,
  0xffffffffn,
  0x100000000n,
  2n ** 52n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Longest input that mutation makes; parsers of headers need no more, and long inputs are slow. */
export const MAX_INPUT_BYTES = 1 << 16;

export function boundary(random) {
  return random.pick(BOUNDARIES);
}

/** The decimal text of a number at which parsers break. */
export function boundaryText(random) {
  const value = boundary(random);
  return random.pick([`${value}`, `-${value}`, `${value}.5`, `${value}e308`, `1e${value}`, `0${value}`]);
}

export function cut(bytes, from, to, middle = Buffer.alloc(0)) {
  return Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
}

function writeInteger(bytes, at, width, value, little) {
  const result = Buffer.from(bytes);
  for (let index = 0; index < width && at + index < bytes.length; index++) {
    const shift = BigInt(8 * (little ? index : width - 1 - index));
    result[at + index] = Number((BigInt.asUintN(64, value) >> shift) & 0xffn);
  }
  return result;
}

function span(bytes, random, most = 64) {
  const from = random.below(bytes.length + 1);
  return [
    from,
    Math.min(bytes.length, from + 1 + random.below(random.chance(0.1) ? bytes.length + 1 : most)),
  ];
}

/** Each takes (bytes, random, { others, words }) and returns new bytes. */
const CHANGES = [
  function flipBit(bytes, random) {
    const result = Buffer.from(bytes);
    if (result.length > 0) result[random.below(result.length)] ^= 1 << random.below(8);
    return result;
  },
  function setByte(bytes, random) {
    const result = Buffer.from(bytes);
    if (result.length > 0)
      result[random.below(result.length)] = random.pick([0, 1, 127, 128, 255, random.below(256)]);
    return result;
  },
  function setBoundary(bytes, random) {
    return writeInteger(
      bytes,
      random.below(bytes.length + 1),
      random.pick([1, 2, 4, 8]),
      boundary(random),
      random.chance(0.8),
    );
  },
  function addToInteger(bytes, random) {
    const width = random.pick([1, 2, 4]);
    if (bytes.length < width) return bytes;
    const at = random.below(bytes.length - width + 1);
    const value = BigInt(bytes.readUIntLE(at, width) + random.below(33) - 16);
    return writeInteger(bytes, at, width, value, true);
  },
  /** Lengths and offsets point into the file, or a little beside it. */
  function setLength(bytes, random) {
    const at = random.below(bytes.length + 1);
    const value = random.pick([bytes.length, bytes.length - at, at, random.below(bytes.length + 1)]);
    return writeInteger(bytes, at, random.pick([1, 2, 4, 8]), BigInt(value + random.below(5) - 2), true);
  },
  function remove(bytes, random) {
    return cut(bytes, ...span(bytes, random));
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1));
  },
  function repeat(bytes, random) {
    const [from, to] = span(bytes, random);
    const times = random.chance(0.1) ? random.below(64) : 1;
    return cut(bytes, to, to, Buffer.concat(Array(times).fill(bytes.subarray(from, to))));
  },
  function move(bytes, random) {
    const [from, to] = span(bytes, random);
    const rest = cut(bytes, from, to);
    const at = random.below(rest.length + 1);
    return cut(rest, at, at, bytes.subarray(from, to));
  },
  function insertRandom(bytes, random) {
    const at = random.below(bytes.length + 1);
    return cut(
      bytes,
      at,
      at,
      Buffer.from(Array.from({ length: 1 + random.below(16) }, () => random.below(256))),
    );
  },
  function spliceOther(bytes, random, { others }) {
    const other = random.pick(others);
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
  function copyFromOther(bytes, random, { others }) {
    const other = random.pick(others);
    const [from, to] = span(other, random);
    const at = random.below(bytes.length + 1);
    return cut(
      bytes,
      at,
      random.chance(0.5) ? at : Math.min(bytes.length, at + to - from),
      other.subarray(from, to),
    );
  },
  function placeWord(bytes, random, { words }) {
    if (words.length === 0) return bytes;
    const word = Buffer.from(random.pick(words), 'latin1');
    const at = random.below(bytes.length + 1);
    return cut(bytes, at, random.chance(0.5) ? at : Math.min(bytes.length, at + word.length), word);
  },
  /** Numbers that are written as text. */
  function changeDigits(bytes, random) {
    const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)];
    if (numbers.length === 0) return bytes;
    const { 0: digits, index } = random.pick(numbers);
    return cut(bytes, index, index + digits.length, Buffer.from(boundaryText(random)));
  },
];

/** A few changes, one after the other. */
export function changeBytes(bytes, random, context) {
  let result = bytes;
  for (let left = 1 + Math.floor(-2 * Math.log(1 - random.next())); left > 0; left--) {
    result = random.pick(CHANGES)(result, random, context).subarray(0, MAX_INPUT_BYTES);
  }
  return result;
}

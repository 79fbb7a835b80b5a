import zlib from 'node:zlib';

/**
 * CRC-32 as zip, zlib and PNG use it (polynomial 0xEDB88320, reflected).
 *
 * @param before the CRC of what comes in front of the data; 0 for nothing
 */
export const crc32: (data: Uint8Array, before?: number) => number =
  // Node has it since 20.15; older 20.x releases take the table.
  typeof zlib.crc32 === 'function' ? (data, before) => zlib.crc32(data, before) : tableCrc32;

const table = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  table[byte] = value;
}

export function tableCrc32(data: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of data) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

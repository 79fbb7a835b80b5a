// Zip files made from parts, right or wrong: written apart from the project's own reader and writer.
import zlib from 'node:zlib';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;

/** Members and comment of a plain archive; undefined when the bytes are none. */
export function splitZip(bytes) {
  try {
    const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
    let at = bytes.readUInt32LE(end + 16);
    const members = [];
    while (bytes.readUInt32LE(at) === CENTRAL && members.length < 64) {
      const [name, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field));
      const local = bytes.readUInt32LE(at + 42);
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const packed = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
      const method = bytes.readUInt16LE(at + 10);
      members.push({
        name: bytes.toString('latin1', at + 46, at + 46 + name),
        method,
        data: method === 8 ? zlib.inflateRawSync(packed, { maxOutputLength: 1 << 20 }) : Buffer.from(packed),
      });
      at += 46 + name + extra + comment;
    }
    return members.length === 0 ? undefined : { members, comment: bytes.subarray(end + 22) };
  } catch {
    return undefined;
  }
}

/**
 * @param members `lies` replaces what the directory says; `zip64` moves the sizes into the extra field; `sameBodyAs`
 * is the index of a member whose bytes this one points at
 */
export function buildZip({ members, comment = Buffer.alloc(0), zip64 = false }) {
  const body = [];
  const directory = [];
  const offsets = [];
  let offset = 0;
  for (const member of members) {
    const name = Buffer.from(member.name, 'latin1');
    const packed = member.method === 8 ? zlib.deflateRawSync(member.data) : member.data;
    const truth = {
      crc: zlib.crc32 === undefined ? crcOf(member.data) : zlib.crc32(member.data),
      bytes: member.data.length,
      packedBytes: packed.length,
      localOffset: offsets[member.sameBodyAs] ?? offset,
      flags: 0,
      version: 20,
      method: member.method,
    };
    offsets.push(truth.localOffset);
    if (member.sameBodyAs === undefined) {
      const local = header(30, LOCAL, 4, { ...truth, name });
      body.push(local, name, packed);
      offset += local.length + name.length + packed.length;
    }
    const told = {
      ...truth,
      ...Object.fromEntries(Object.entries(member.lies ?? {}).map(([key, value]) => [key, value])),
    };
    const extra = member.zip64
      ? zip64Extra(told)
      : Buffer.alloc(Number(BigInt(member.lies?.extra ?? 0) % 64n));
    if (member.zip64)
      Object.assign(told, { bytes: 0xffffffff, packedBytes: 0xffffffff, localOffset: 0xffffffff });
    const entry = header(46, CENTRAL, 6, { ...told, name });
    entry.writeUInt16LE(extra.length, 30);
    entry.writeUInt32LE(low(told.localOffset, 32), 42);
    directory.push(entry, name, extra);
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : members.length, 8);
  end.writeUInt16LE(zip64 ? 0xffff : members.length, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : central.length, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : offset, 16);
  end.writeUInt16LE(comment.length & 0xffff, 20);
  const end64 = zip64 ? endRecords64(members.length, central.length, offset) : Buffer.alloc(0);
  return Buffer.concat([...body, central, end64, end, comment]);
}

function header(length, signature, at, { flags, method, version, crc, packedBytes, bytes, name }) {
  const result = Buffer.alloc(length);
  result.writeUInt32LE(signature, 0);
  result.writeUInt16LE(low(version, 16), at);
  result.writeUInt16LE(low(flags, 16), at + 2);
  result.writeUInt16LE(low(method, 16), at + 4);
  result.writeUInt32LE(low(crc, 32), at + 10);
  result.writeUInt32LE(low(packedBytes, 32), at + 14);
  result.writeUInt32LE(low(bytes, 32), at + 18);
  result.writeUInt16LE(name.length, at + 22);
  return result;
}

function zip64Extra({ bytes, packedBytes, localOffset }) {
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  for (const [index, value] of [bytes, packedBytes, localOffset].entries()) {
    extra.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 4 + 8 * index);
  }
  return extra;
}

function endRecords64(count, centralBytes, offset) {
  const records = Buffer.alloc(56 + 20);
  records.writeUInt32LE(0x06064b50, 0);
  records.writeBigUInt64LE(44n, 4);
  records.writeBigUInt64LE(BigInt(count), 24);
  records.writeBigUInt64LE(BigInt(count), 32);
  records.writeBigUInt64LE(BigInt(centralBytes), 40);
  records.writeBigUInt64LE(BigInt(offset), 48);
  records.writeUInt32LE(0x07064b50, 56);
  records.writeBigUInt64LE(BigInt(offset + centralBytes), 64);
  records.writeUInt32LE(1, 72);
  return records;
}

function low(value, bits) {
  return Number(BigInt.asUintN(bits, BigInt(value)));
}

function crcOf(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

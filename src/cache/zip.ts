/**
 * The part of the zip format that npz files need (PKWARE APPNOTE 6.3.10): stored and deflated members and the archive
 * comment. Written as plain 32-bit zip; every byte depends on the content alone, so equal content gives equal files.
 */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { LatentCacheError } from '../errors.js';
import { crc32 } from './crc32.js';
import type { ZipMember } from './zip-directory.js';

export { readZipDirectory, type ZipDirectory, type ZipMember } from './zip-directory.js';

const deflateRaw = promisify(zlib.deflateRaw);
const inflateRaw = promisify(zlib.inflateRaw);

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const STORED = 0;
const DEFLATED = 8;
const UTF8_NAME = 0x0800;
const MAX_UINT32 = 0xffffffff;
const MAX_COMMENT = 0xffff;
/** 1980-01-01, the earliest date that zip knows and the one that numpy writes. */
const DOS_DATE = 0x0021;

export interface ZipInput {
  readonly name: string;
  readonly data: Uint8Array;
  readonly compress: boolean;
}

/** The pieces of a zip file, in order. Compression runs on a libuv worker. */
export async function writeZip(inputs: readonly ZipInput[], comment: Uint8Array): Promise<Uint8Array[]> {
  if (comment.length > MAX_COMMENT) throw new LatentCacheError('ERR_ARGUMENT', 'The zip comment is too long');
  const pieces: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const input of inputs) {
    const body = input.compress ? await deflateRaw(input.data) : input.data;
    const name = Buffer.from(input.name, 'utf8');
    const fields = memberFields(input, name, body.length);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(LOCAL, 0);
    fields.copy(local, 4);
    pieces.push(local, name, body);

    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(CENTRAL, 0);
    entry.writeUInt16LE(20, 4); // made by: MS-DOS attributes, zip 2.0
    fields.copy(entry, 6);
    entry.writeUInt32LE(offset, 42);
    central.push(entry, name);
    offset += local.length + name.length + body.length;
    if (offset > MAX_UINT32) throw new LatentCacheError('ERR_ARGUMENT', 'The cache file would exceed 4 GiB');
  }
  const centralBytes = central.reduce((sum, piece) => sum + piece.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(inputs.length, 8);
  end.writeUInt16LE(inputs.length, 10);
  end.writeUInt32LE(centralBytes, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return [...pieces, ...central, end, comment];
}

/** The 26 bytes that the local header and the central directory entry share, from "version needed" on. */
function memberFields(input: ZipInput, name: Uint8Array, compressedBytes: number): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(/^[\x20-\x7e]*$/.test(input.name) ? 0 : UTF8_NAME, 2);
  fields.writeUInt16LE(input.compress ? DEFLATED : STORED, 4);
  fields.writeUInt16LE(DOS_DATE, 8);
  fields.writeUInt32LE(crc32(input.data), 10);
  fields.writeUInt32LE(compressedBytes, 14);
  fields.writeUInt32LE(input.data.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

/**
 * Where a member's data begin, behind a local header that must agree with the directory.
 *
 * @param header the file from `member.localOffset` on, at least the local header
 * @returns bytes from the start of the file
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export function zipDataStart(header: Buffer, member: ZipMember): number {
  const { name, localOffset } = member;
  if (header.length < 30 || header.readUInt32LE(0) !== LOCAL) throw corrupt(`${name} has no local header`);
  const nameEnd = 30 + header.readUInt16LE(26);
  if (header.toString('utf8', 30, nameEnd) !== name || header.readUInt16LE(8) !== member.method) {
    throw corrupt(`${name} has another local header`);
  }
  const start = localOffset + nameEnd + header.readUInt16LE(28);
  if (start + member.compressedBytes > member.limit) throw corrupt(`${name} is cut off`);
  return start;
}

/**
 * The content of one member, checked against its size and CRC.
 *
 * @param maxBytes refuses members that claim to unpack to more
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export async function readZipMember(file: Buffer, member: ZipMember, maxBytes: number): Promise<Buffer> {
  const start = zipDataStart(file.subarray(member.localOffset), member);
  return unpackMember(member, file.subarray(start, start + member.compressedBytes), maxBytes);
}

/** As `readZipMember`, of the member's bytes as they are stored. */
export async function unpackMember(member: ZipMember, body: Buffer, maxBytes: number): Promise<Buffer> {
  const { name } = member;
  if (member.bytes > maxBytes) throw corrupt(`${name} claims ${member.bytes} bytes`);
  const data = await unpack(member, body);
  if (data.length !== member.bytes)
    throw corrupt(`${name} unpacks to ${data.length} bytes, not ${member.bytes}`);
  if (crc32(data) !== member.crc) throw corrupt(`${name} fails its CRC-32 check`);
  return data;
}

/**
 * What the first bytes of a member unpack to; not checked against its CRC.
 *
 * @param body the member's bytes as they are stored, from their start; few of them, for deflate makes up to 1032 of one
 */
export function unpackStart(member: ZipMember, body: Buffer): Buffer {
  checkMethod(member);
  if (member.method === STORED) return body;
  try {
    return zlib.inflateRawSync(body, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  } catch (cause) {
    throw corrupt(`${member.name} does not unpack`, cause);
  }
}

async function unpack(member: ZipMember, body: Buffer): Promise<Buffer> {
  checkMethod(member);
  if (member.method === STORED) return body;
  try {
    // One output block for all of it: zlib would otherwise gather small ones and copy them together.
    return await inflateRaw(body, {
      maxOutputLength: Math.max(1, member.bytes),
      chunkSize: Math.max(64, member.bytes + 1),
    });
  } catch (cause) {
    throw corrupt(`${member.name} does not unpack`, cause);
  }
}

function checkMethod({ name, method }: ZipMember): void {
  if (method !== STORED && method !== DEFLATED)
    throw corrupt(`${name} uses the unknown compression ${method}`);
}

function corrupt(reason: string, cause?: unknown): LatentCacheError {
  return new LatentCacheError('ERR_CACHE_CORRUPT', `Not a readable npz file: ${reason}`, { cause });
}

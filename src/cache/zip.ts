/**
 * The part of the zip format that npz files need (PKWARE APPNOTE 6.3.10): stored and deflated members, the central
 * directory, zip64 fields as numpy writes them, and the archive comment. Written as plain 32-bit zip; every byte
 * depends on the content alone, so equal content gives equal files.
 */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { LatentCacheError } from '../errors.js';
import { crc32 } from './crc32.js';

const deflateRaw = promisify(zlib.deflateRaw);
const inflateRaw = promisify(zlib.inflateRaw);

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const ZIP64_EXTRA = 0x0001;
const STORED = 0;
const DEFLATED = 8;
const UTF8_NAME = 0x0800;
/** Encrypted, patched, strongly encrypted: Python's zipfile refuses them. */
const UNREADABLE_FLAGS = 0x0061;
/** The newest "version needed" that Python's zipfile reads. */
const MAX_VERSION = 63;
const MAX_UINT32 = 0xffffffff;
const MAX_COMMENT = 0xffff;
/** 1980-01-01, the earliest date that zip knows and the one that numpy writes. */
const DOS_DATE = 0x0021;

export interface ZipInput {
  readonly name: string;
  readonly data: Uint8Array;
  readonly compress: boolean;
}

export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly localOffset: number;
}

export interface ZipDirectory {
  readonly members: readonly ZipMember[];
  readonly comment: Uint8Array;
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
 * Reads the central directory of a whole zip file.
 *
 * @throws LatentCacheError `ERR_CACHE_CORRUPT` for anything that numpy might read differently or not at all
 */
export function readZipDirectory(file: Buffer): ZipDirectory {
  const end = findEnd(file);
  const comment = file.subarray(end + 22, end + 22 + file.readUInt16LE(end + 20));
  let count = file.readUInt16LE(end + 10);
  let position = file.readUInt32LE(end + 16);
  let directoryEnd = position + file.readUInt32LE(end + 12);
  if (count === 0xffff || position === MAX_UINT32) ({ count, position, directoryEnd } = readEnd64(file, end));
  else if (directoryEnd !== end) throw corrupt('the size of the central directory is wrong');
  const members: ZipMember[] = [];
  const names = new Set<string>();
  for (let index = 0; index < count; index++) {
    if (position + 46 > directoryEnd || file.readUInt32LE(position) !== CENTRAL)
      throw corrupt('the central directory is broken');
    const nameBytes = file.readUInt16LE(position + 28);
    const extraBytes = file.readUInt16LE(position + 30);
    const next = position + 46 + nameBytes + extraBytes + file.readUInt16LE(position + 32);
    if (next > directoryEnd) throw corrupt('the central directory is broken');
    if (file.readUInt16LE(position + 8) & UNREADABLE_FLAGS) throw corrupt('a member is encrypted or patched');
    if (file.readUInt16LE(position + 6) > MAX_VERSION) throw corrupt('a member needs a newer zip version');
    const name = file.toString('utf8', position + 46, position + 46 + nameBytes);
    if (names.has(name)) throw corrupt(`the member ${name} occurs twice`);
    names.add(name);
    const extra = file.subarray(position + 46 + nameBytes, position + 46 + nameBytes + extraBytes);
    members.push({
      name,
      method: file.readUInt16LE(position + 10),
      crc: file.readUInt32LE(position + 16),
      ...zip64Sizes(extra, {
        bytes: file.readUInt32LE(position + 24),
        compressedBytes: file.readUInt32LE(position + 20),
        localOffset: file.readUInt32LE(position + 42),
      }),
    });
    position = next;
  }
  if (position !== directoryEnd) throw corrupt('the central directory has another length');
  return { members, comment };
}

/**
 * The content of one member, checked against its size and CRC.
 *
 * @param maxBytes refuses members that claim to unpack to more
 * @throws LatentCacheError `ERR_CACHE_CORRUPT`
 */
export async function readZipMember(file: Buffer, member: ZipMember, maxBytes: number): Promise<Buffer> {
  const { name, localOffset } = member;
  if (member.bytes > maxBytes) throw corrupt(`${name} claims ${member.bytes} bytes`);
  if (localOffset + 30 > file.length || file.readUInt32LE(localOffset) !== LOCAL) {
    throw corrupt(`${name} has no local header`);
  }
  const localName = file.toString(
    'utf8',
    localOffset + 30,
    localOffset + 30 + file.readUInt16LE(localOffset + 26),
  );
  if (localName !== name || file.readUInt16LE(localOffset + 8) !== member.method) {
    throw corrupt(`${name} has another local header`);
  }
  const start = localOffset + 30 + file.readUInt16LE(localOffset + 26) + file.readUInt16LE(localOffset + 28);
  if (start + member.compressedBytes > file.length) throw corrupt(`${name} is cut off`);
  const body = file.subarray(start, start + member.compressedBytes);
  const data = await unpack(member, body);
  if (data.length !== member.bytes)
    throw corrupt(`${name} unpacks to ${data.length} bytes, not ${member.bytes}`);
  if (crc32(data) !== member.crc) throw corrupt(`${name} fails its CRC-32 check`);
  return data;
}

async function unpack(member: ZipMember, body: Buffer): Promise<Buffer> {
  if (member.method === STORED) return body;
  if (member.method !== DEFLATED)
    throw corrupt(`${member.name} uses the unknown compression ${member.method}`);
  try {
    return await inflateRaw(body, { maxOutputLength: Math.max(1, member.bytes) });
  } catch (cause) {
    throw corrupt(`${member.name} does not unpack`, cause);
  }
}

/** The end record is the last one whose comment reaches exactly to the end of the file. */
function findEnd(file: Buffer): number {
  for (let at = file.length - 22; at >= Math.max(0, file.length - 22 - MAX_COMMENT); at--) {
    if (file.readUInt32LE(at) === END && at + 22 + file.readUInt16LE(at + 20) === file.length) return at;
  }
  throw corrupt('it has no zip end record (cut off, or no npz file)');
}

function readEnd64(file: Buffer, end: number): { count: number; position: number; directoryEnd: number } {
  const locator = end - 20;
  if (locator < 0 || file.readUInt32LE(locator) !== END64_LOCATOR)
    throw corrupt('its zip64 locator is missing');
  const at = Number(file.readBigUInt64LE(locator + 8));
  if (!(at + 56 <= file.length) || file.readUInt32LE(at) !== END64)
    throw corrupt('its zip64 end record is missing');
  const count = Number(file.readBigUInt64LE(at + 32));
  const position = Number(file.readBigUInt64LE(at + 48));
  if (!(position <= file.length && count <= file.length / 46))
    throw corrupt('its zip64 end record is broken');
  const directoryEnd = position + Number(file.readBigUInt64LE(at + 40));
  if (directoryEnd !== at) throw corrupt('the size of the central directory is wrong');
  return { count, position, directoryEnd };
}

type Sizes = Pick<ZipMember, 'bytes' | 'compressedBytes' | 'localOffset'>;

/** 32-bit fields that are all ones stand in the zip64 extra field instead, in this order. */
function zip64Sizes(extra: Buffer, sizes: Sizes): Sizes {
  const result: { -readonly [Field in keyof Sizes]: number } = { ...sizes };
  const missing = (['bytes', 'compressedBytes', 'localOffset'] as const).filter(
    (field) => sizes[field] === MAX_UINT32,
  );
  if (missing.length === 0) return result;
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (
      extra.readUInt16LE(at) === ZIP64_EXTRA &&
      length >= missing.length * 8 &&
      at + 4 + length <= extra.length
    ) {
      for (const [index, field] of missing.entries())
        result[field] = Number(extra.readBigUInt64LE(at + 4 + index * 8));
      return result;
    }
    at += 4 + length;
  }
  throw corrupt('a zip64 size is missing');
}

function corrupt(reason: string, cause?: unknown): LatentCacheError {
  return new LatentCacheError('ERR_CACHE_CORRUPT', `Not a readable npz file: ${reason}`, { cause });
}
